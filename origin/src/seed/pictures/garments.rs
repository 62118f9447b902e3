//! The garments on the pictures, as outlines and tones.

use super::canvas::{Canvas, Outline};

/// What a picture shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Garment {
    Shirt,
    Trousers,
    Dress,
    Pullover,
    Shoe,
}

/// How its cloth looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cloth {
    Plain,
    Striped,
}

const MIDDLE: i32 = 300;
const SHADOW: i32 = 205;
const CLOTH: i32 = 118;
const DARK: i32 = 62;
const LIGHT: i32 = 176;

/// Draws a garment on paper.
pub(super) fn draw(garment: Garment, cloth: Cloth) -> Canvas {
    let mut canvas = Canvas::new(|y| 252 - y / 24);
    let floor = if matches!(garment, Garment::Shoe) { 486 } else { 528 };
    canvas.fill(&Outline::oval(MIDDLE, floor, 330, 34), |_, _| SHADOW + 14);
    canvas.fill(&Outline::oval(MIDDLE, floor, 240, 20), |_, _| SHADOW);
    let ink = |x, y| weave(cloth, x, y);
    match garment {
        Garment::Shirt => shirt(&mut canvas, ink),
        Garment::Trousers => trousers(&mut canvas, ink),
        Garment::Dress => dress(&mut canvas, ink),
        Garment::Pullover => pullover(&mut canvas, ink),
        Garment::Shoe => shoe(&mut canvas, ink),
    }
    canvas
}

/// The tone of cloth at a pixel: lit from the middle, with the grain of threads.
fn weave(cloth: Cloth, x: i32, y: i32) -> i32 {
    let light = 22 - (x - MIDDLE + 40).abs() / 5;
    let thread = if (x / 2 + y / 2) % 2 == 0 { 3 } else { -3 };
    let base = match cloth {
        Cloth::Striped if y / 22 % 2 == 0 => CLOTH + 44,
        Cloth::Striped | Cloth::Plain => CLOTH,
    };
    base + light + thread + grain(x / 2, y / 2)
}

/// -2 to 2, without a pattern that an eye would see.
fn grain(x: i32, y: i32) -> i32 {
    let mixed = x.wrapping_mul(374_761_393).wrapping_add(y.wrapping_mul(668_265_263));
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177);
    (mixed ^ (mixed >> 16)).rem_euclid(5) - 2
}

fn shirt(canvas: &mut Canvas, ink: impl Fn(i32, i32) -> i32) {
    let body = Outline::from(MIDDLE, 158)
        .curve(348, 156, 358, 116)
        .curve(400, 124, 424, 142)
        .curve(470, 176, 512, 252)
        .line(446, 292)
        .curve(432, 262, 420, 250)
        .curve(416, 380, 426, 492)
        .curve(360, 504, MIDDLE, 504)
        .mirrored();
    canvas.fill(&body, ink);
    let collar = Outline::from(MIDDLE, 172).curve(360, 170, 370, 119).line(358, 116).curve(348, 156, MIDDLE, 158);
    canvas.fill(&collar.mirrored(), |_, _| DARK);
    let inside = Outline::from(MIDDLE, 132).curve(340, 130, 358, 116).curve(348, 156, MIDDLE, 158).mirrored();
    canvas.fill(&inside, |_, _| DARK - 24);
}

fn trousers(canvas: &mut Canvas, ink: impl Fn(i32, i32) -> i32) {
    let body = Outline::from(MIDDLE, 96)
        .line(388, 96)
        .curve(408, 170, 412, 250)
        .curve(416, 380, 408, 506)
        .line(330, 506)
        .curve(326, 380, MIDDLE, 268)
        .mirrored();
    canvas.fill(&body, ink);
    canvas.fill(&Outline::from(MIDDLE, 96).line(388, 96).line(394, 126).line(MIDDLE, 126).mirrored(), |_, _| DARK);
    canvas.fill(&Outline::from(297, 126).line(303, 126).line(303, 232).line(297, 226), |_, _| DARK);
    let pocket = Outline::from(372, 126).curve(376, 168, 406, 176).line(407, 181).curve(370, 172, 367, 126);
    canvas.fill(&pocket, |_, _| DARK);
    let other = Outline::from(228, 126).curve(224, 168, 194, 176).line(193, 181).curve(230, 172, 233, 126);
    canvas.fill(&other, |_, _| DARK);
    canvas.fill(&Outline::oval(MIDDLE, 111, 12, 12), |_, _| LIGHT);
}

fn dress(canvas: &mut Canvas, ink: impl Fn(i32, i32) -> i32) {
    let body = Outline::from(MIDDLE, 176)
        .curve(340, 172, 346, 92)
        .line(370, 92)
        .curve(366, 168, 392, 196)
        .curve(376, 240, 368, 280)
        .curve(424, 400, 470, 492)
        .curve(390, 520, MIDDLE, 520)
        .mirrored();
    canvas.fill(&body, ink);
    let belt = Outline::from(MIDDLE, 274).line(369, 270).line(372, 292).line(MIDDLE, 297).mirrored();
    canvas.fill(&belt, |_, _| DARK);
    canvas.fill(&Outline::oval(MIDDLE, 285, 22, 18), |_, _| LIGHT);
}

fn pullover(canvas: &mut Canvas, ink: impl Fn(i32, i32) -> i32) {
    let body = Outline::from(MIDDLE, 150)
        .curve(340, 148, 352, 118)
        .curve(400, 124, 424, 146)
        .curve(478, 210, 516, 438)
        .line(466, 452)
        .curve(444, 330, 424, 262)
        .curve(422, 380, 428, 484)
        .line(MIDDLE, 484)
        .mirrored();
    canvas.fill(&body, ink);
    let hem = Outline::from(MIDDLE, 482).line(428, 482).line(424, 512).line(MIDDLE, 512).mirrored();
    canvas.fill(&hem, |x, _| if x / 5 % 2 == 0 { DARK } else { DARK + 22 });
    let cuff = Outline::from(513, 420).line(518, 452).line(469, 466).line(463, 434);
    canvas.fill(&cuff, |_, _| DARK);
    let other = Outline::from(87, 420).line(82, 452).line(131, 466).line(137, 434);
    canvas.fill(&other, |_, _| DARK);
    let collar = Outline::from(MIDDLE, 168).curve(364, 166, 368, 121).line(350, 110).curve(340, 146, MIDDLE, 148);
    canvas.fill(&collar.mirrored(), |_, _| DARK);
    let pocket = Outline::from(MIDDLE, 360).line(366, 360).line(388, 440).line(MIDDLE, 440).mirrored();
    canvas.fill(&pocket, |x, y| weave(Cloth::Plain, x, y) - 18);
}

fn shoe(canvas: &mut Canvas, ink: impl Fn(i32, i32) -> i32) {
    let upper = Outline::from(112, 430)
        .curve(92, 330, 118, 236)
        .curve(150, 262, 212, 262)
        .line(262, 214)
        .curve(318, 300, 402, 334)
        .curve(512, 356, 516, 430);
    canvas.fill(&upper, ink);
    let heel = Outline::from(110, 420).curve(93, 330, 118, 236).curve(136, 252, 156, 258).curve(134, 340, 160, 420);
    canvas.fill(&heel, |_, _| DARK);
    let toe = Outline::from(436, 430).curve(440, 372, 466, 354).curve(512, 374, 516, 430);
    canvas.fill(&toe, |_, _| DARK + 12);
    for lace in 0..4 {
        let (x, y) = (258 + lace * 30, 262 + lace * 21);
        let band = Outline::from(x, y).line(x + 34, y - 20).line(x + 40, y - 12).line(x + 6, y + 8);
        canvas.fill(&band, |_, _| LIGHT + 40);
    }
    let sole = Outline::from(100, 424)
        .line(520, 424)
        .curve(540, 426, 534, 450)
        .curve(528, 470, 500, 470)
        .line(128, 470)
        .curve(96, 470, 100, 424);
    canvas.fill(&sole, |_, y| if y < 432 { LIGHT - 30 } else { LIGHT + 44 });
}
