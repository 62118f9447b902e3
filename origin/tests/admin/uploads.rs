//! Uploads: files in the bucket, and the purge of their URLs.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::outbox;
use crate::shop::{Shop, read};

async fn upload(shop: &Shop, files: &[(&str, &str, &[u8])]) -> (u16, Value) {
    let mut form = Form::new();
    for (name, kind, content) in files {
        let part = Part::bytes(content.to_vec()).file_name((*name).to_owned()).mime_str(kind).unwrap();
        form = form.part("files", part);
    }
    read(shop.request("POST", "/admin/uploads").multipart(form).send().await.unwrap()).await
}

#[tokio::test]
async fn files_are_stored_as_they_are_and_deleted_for_everybody() {
    let shop = Shop::empty().await;
    let files: [(&str, &str, &[u8]); 2] = [("my cat.png", "image/png", b"\x89PNG"), ("../a.css", "text/css", b"a{}")];
    let (status, answer) = upload(&shop, &files).await;
    assert_eq!(status, 200, "{answer}");
    let ids: Vec<&str> = answer["files"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap()).collect();
    assert!(ids[0].ends_with("-my-cat.png") && ids[1].ends_with("-a.css"), "{ids:?}");
    assert_eq!(answer["files"][0]["url"], format!("http://localhost:9000/static/{}", ids[0]));
    let told = outbox::after(&shop.pool, 0).await;
    let tags: Vec<String> = told.iter().flat_map(|told| told.tags.clone()).collect();
    assert_eq!(tags, ids.iter().map(|id| format!("file:{id}")).collect::<Vec<_>>());
    for ((_, kind, content), id) in files.iter().zip(&ids) {
        let stored = reqwest::get(format!("{}/vitrine-media/{id}", shop.s3.endpoint())).await.unwrap();
        assert_eq!(stored.headers()["content-type"], *kind);
        assert_eq!(stored.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(&stored.bytes().await.unwrap()[..], *content);
    }

    let path = format!("/admin/uploads/{}", ids[0]);
    assert_eq!(shop.get(&path).await, json!({"file": answer["files"][0]}));
    let seen = outbox::last(&shop.pool).await;
    // Again, as after a failure half way: its event still comes.
    for _ in 0..2 {
        assert_eq!(shop.delete(&path).await, json!({"id": ids[0], "object": "file", "deleted": true}));
    }
    let told = outbox::after(&shop.pool, seen).await;
    assert_eq!(told.len(), 2);
    assert!(
        told.iter().all(|told| told.event.name == "file.deleted" && told.tags.contains(&format!("file:{}", ids[0])))
    );
    let message = format!("File with id: {} not found", ids[0]);
    assert_eq!(shop.send("GET", &path, None).await, (404, json!({"type": "not_found", "message": message})));
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_and_tells_nothing() {
    let mut shop = Shop::empty().await;
    let empty = shop.request("POST", "/admin/uploads").header("content-type", "multipart/form-data; boundary=X");
    let nothing = read(empty.body("--X--\r\n").send().await.unwrap()).await;
    assert_eq!(nothing, (400, json!({"type": "invalid_data", "message": "No files were uploaded"})));
    let wrong = Form::new().part("pictures", Part::bytes(b"x".to_vec()).file_name("a"));
    let (status, answer) = read(shop.request("POST", "/admin/uploads").multipart(wrong).send().await.unwrap()).await;
    assert_eq!((status, &answer["type"]), (400, &json!("invalid_data")));
    let (status, answer) = read(shop.request("POST", "/admin/uploads").body("x").send().await.unwrap()).await;
    assert_eq!((status, &answer["type"]), (400, &json!("invalid_data")), "{answer}");
    let large = vec![0_u8; (32 << 20) + 1];
    let (status, answer) = upload(&shop, &[("a", "text/plain", &large)]).await;
    assert_eq!((status, &answer["type"]), (413, &json!("payload_too_large")));
    shop.s3.stop_hard();
    let (status, answer) = upload(&shop, &[("a", "text/plain", b"x")]).await;
    assert_eq!((status, &answer["type"]), (503, &json!("unavailable")));
    let (status, _) = shop.send("DELETE", "/admin/uploads/a", None).await;
    assert_eq!(status, 503);
    assert!(outbox::after(&shop.pool, 0).await.is_empty());
}
