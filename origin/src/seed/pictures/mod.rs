//! The ten pictures of the demo shop: drawn by this program, the same everywhere, and put into the media bucket.

mod canvas;
mod garments;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use canvas::SIZE;
use garments::{Cloth, Garment};

use super::SeedError;
use crate::providers::file::{File, FileProvider};

/// How many pictures there are.
pub(super) const COUNT: u64 = 10;
/// The names of the pictures never get another content.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// What a picture shows, and its colours from the darkest ink over the cloth to the paper.
const PICTURES: [(Garment, Cloth, [[u8; 3]; 3]); 10] = [
    (Garment::Shirt, Cloth::Plain, [[18, 38, 66], [74, 122, 168], [244, 243, 238]]),
    (Garment::Trousers, Cloth::Plain, [[38, 36, 34], [126, 108, 88], [246, 242, 234]]),
    (Garment::Shoe, Cloth::Plain, [[48, 22, 20], [184, 84, 66], [247, 241, 236]]),
    (Garment::Dress, Cloth::Plain, [[40, 24, 54], [136, 92, 150], [245, 241, 246]]),
    (Garment::Pullover, Cloth::Plain, [[16, 46, 38], [76, 138, 110], [240, 245, 240]]),
    (Garment::Shirt, Cloth::Striped, [[52, 30, 22], [202, 138, 92], [248, 243, 234]]),
    (Garment::Trousers, Cloth::Striped, [[20, 30, 58], [82, 98, 140], [240, 242, 247]]),
    (Garment::Shoe, Cloth::Striped, [[14, 42, 48], [60, 140, 146], [238, 245, 245]]),
    (Garment::Dress, Cloth::Striped, [[62, 18, 36], [190, 88, 116], [249, 240, 242]]),
    (Garment::Pullover, Cloth::Striped, [[46, 40, 14], [178, 156, 70], [247, 245, 234]]),
];

/// The key of the picture whose turn it is.
pub(super) fn key(number: u64) -> String {
    format!("p{}.png", number % COUNT)
}

/// Draws all pictures and stores them; returns how many bytes they are.
pub(super) async fn upload(files: &dyn FileProvider) -> Result<usize, SeedError> {
    let mut bytes = 0;
    for number in 0..COUNT {
        let failed = |reason| SeedError::Draw { key: key(number), reason };
        let drawing = tokio::task::spawn_blocking(move || draw(number));
        let drawn = drawing.await.map_err(|error| failed(error.to_string()))?;
        let file = drawn.map_err(|error| failed(error.to_string()))?;
        bytes += file.content.len();
        files.put(file).await?;
    }
    Ok(bytes)
}

/// Draws picture `number`.
fn draw(number: u64) -> Result<File, EncodingError> {
    let turn = usize::try_from(number % COUNT).unwrap_or(0);
    let (garment, cloth, colours) = PICTURES[turn];
    let canvas = garments::draw(garment, cloth);
    let mut bytes = Vec::new();
    let side = u32::try_from(SIZE).unwrap_or(u32::MAX);
    let mut encoder = Encoder::new(&mut bytes, side, side);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette(colours));
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(canvas.tones())?;
    writer.finish()?;
    Ok(File {
        key: key(number),
        content_type: "image/png".to_owned(),
        cache_control: CACHE_CONTROL,
        content: bytes.into(),
    })
}

/// The colour of each tone.
fn palette([ink, cloth, paper]: [[u8; 3]; 3]) -> Vec<u8> {
    let mix = |from: u8, to: u8, share: u16| {
        let mixed = (u16::from(from) * (128 - share) + u16::from(to) * share) / 128;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    let colour = |tone: u16| {
        let (from, to, share) = if tone < 128 { (ink, cloth, tone) } else { (cloth, paper, tone - 127) };
        std::array::from_fn::<u8, 3, _>(|channel| mix(from[channel], to[channel], share))
    };
    (0..=255).flat_map(colour).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use super::*;

    /// What a picture may weigh: as a small photograph does.
    const BYTES: std::ops::Range<usize> = 5_000..60_000;

    #[test]
    fn pictures_are_small_distinct_and_drawn_alike_each_time() {
        let pictures: Vec<File> = (0..COUNT).map(|number| draw(number).unwrap()).collect();
        let distinct: BTreeSet<&[u8]> = pictures.iter().map(|picture| picture.content.as_ref()).collect();
        assert_eq!(distinct.len(), 10);
        for (number, picture) in (0..).zip(&pictures) {
            assert_eq!(picture.key, format!("p{number}.png"));
            assert!(BYTES.contains(&picture.content.len()), "{}: {} bytes", picture.key, picture.content.len());
        }
        assert_eq!(pictures[3].content, draw(13).unwrap().content);
    }

    #[test]
    fn a_picture_is_decoded_as_it_was_drawn() {
        let picture = draw(0).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(picture.content)).read_info().unwrap();
        let mut tones = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut tones).unwrap();
        assert_eq!((info.width, info.height), (600, 600));
        assert_eq!(tones, garments::draw(Garment::Shirt, Cloth::Plain).tones());
    }
}
