//! The README's first walk, run as it is written.

use std::path::Path;
use std::process::Stdio;

use crate::common::Shop;
use tokio::process::Command;

#[tokio::test]
async fn the_first_walk_works_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let walk = readme.split("```sh walk\n").nth(1).expect("the README has a block marked `walk`");
    let walk = walk.split("```").next().unwrap();

    let shop = Shop::start(2).await;
    let secrets = shop.stack.secrets();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".run")).unwrap();
    let env = format!(
        "PROXY_URL={}\nOPS_URL={}\nOPS_TOKEN={}\nPUBLISHABLE_KEY={}\nADMIN_EMAIL={}\nADMIN_PASSWORD={}\n",
        shop.edges[0].url(),
        shop.edges[0].ops_url(),
        secrets.ops_token,
        secrets.publishable_key,
        secrets.admin_email,
        secrets.admin_password
    );
    std::fs::write(folder.path().join(".run/vitrine.env"), env).unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", walk])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("fwd=uri-miss"), "{said}");
    assert!(lines[1..3].iter().any(|line| line.contains("; hit")), "{said}");
    assert!(lines[1..3].iter().any(|line| line.starts_with("age:")), "{said}");
    assert!(lines[3].contains("fwd=bypass"), "{said}");
    assert!(lines[4].starts_with("vitrine-ack: acked"), "{said}");
    assert!(lines[5].starts_with("miss: ") && lines[5].contains("it was purged by"), "{said}");
    let last = lines[6..].join("\n");
    assert!(!last.contains("; hit") && last.contains("\"renamed at "), "{said}");
}
