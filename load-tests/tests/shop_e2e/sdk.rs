//! Medusa's own JavaScript SDK, unmodified, against the proxy.

use std::path::Path;
use std::process::Stdio;

use crate::common::Shop;
use tokio::process::Command;

#[tokio::test]
async fn medusas_sdk_finds_its_way_around_the_shop() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    assert!(
        folder.join("node_modules/@medusajs/js-sdk").is_dir(),
        "the SDK is not installed: run `npm ci` in load-tests/js, or `make test`, which does"
    );
    let shop = Shop::start(1).await;
    let secrets = shop.stack.secrets();
    let output = Command::new("node")
        .args(["--test", "storefront.test.mjs"])
        .current_dir(folder)
        .env("PROXY_URL", shop.edges[0].url())
        .env("PUBLISHABLE_KEY", &secrets.publishable_key)
        .env("ADMIN_EMAIL", &secrets.admin_email)
        .env("ADMIN_PASSWORD", &secrets.admin_password)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // A runner that found no test would be content too.
    assert!(said.contains("# pass 10") && said.contains("# fail 0"), "{said}");
}
