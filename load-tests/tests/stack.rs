//! The private servers: they start, can be mishandled, come back with their data, and end.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use vitrine_load_tests::stack::{
    Durability, Postgres, Redis, Replication, S3, S3Keys, S3Settings, Scratch, StackError, Standby, TestDatabase,
    wait_until,
};

async fn query(url: &str, statement: &'static str) -> Result<i64, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar(statement).fetch_one(&mut connection).await
}

async fn fill(url: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql("CREATE TABLE t AS SELECT generate_series(1, 7)::bigint AS n").execute(&mut connection).await?;
    Ok(())
}

const COUNT: &str = "SELECT count(*) FROM t";

#[tokio::test]
async fn postgres_keeps_its_data_over_a_stop_and_over_a_crash() {
    let scratch = Scratch::new().unwrap();
    let mut postgres = Postgres::start(scratch.data(), Durability::Process).await.unwrap();
    let url = postgres.create_database("shop").await.unwrap();
    fill(url.clone()).await.unwrap();

    postgres.restart().await.unwrap();
    assert_eq!(query(&url, COUNT).await.unwrap(), 7);

    postgres.stop_hard();
    assert!(query(&url, COUNT).await.is_err());
    postgres.restart().await.unwrap();
    assert_eq!(query(&url, COUNT).await.unwrap(), 7);

    // The same folder, another process: as in a second `vitrine up`.
    postgres.stop().await;
    drop(postgres);
    let postgres = Postgres::start(scratch.data(), Durability::Process).await.unwrap();
    assert_eq!(query(&postgres.url("shop"), COUNT).await.unwrap(), 7);
}

#[tokio::test]
async fn a_standby_shows_what_was_committed_stands_still_when_told_and_takes_over() {
    let scratch = Scratch::new().unwrap();
    let mut primary = Postgres::start(scratch.data(), Durability::Process).await.unwrap();
    let url = primary.create_database("shop").await.unwrap();
    fill(url.clone()).await.unwrap();
    let more = "WITH more AS (INSERT INTO t VALUES (8) RETURNING n) SELECT count(*) FROM more";

    let (folder, other) = (Scratch::new().unwrap(), Scratch::new().unwrap());
    let mut standby = Standby::of(&primary, folder.data(), "first", Replication::Synchronous).await.unwrap();
    let second = Standby::of(&primary, other.data(), "second", Replication::Asynchronous).await.unwrap();
    standby.caught_up(&primary).await.unwrap();
    assert_eq!(query(&standby.url("shop"), COUNT).await.unwrap(), 7);
    let refused = query(&standby.url("shop"), more).await.unwrap_err().to_string();
    assert!(refused.contains("read-only"), "{refused}");

    // Commits do not wait for replay, and reads do not see what is not replayed.
    standby.pause_replay().await.unwrap();
    query(&url, more).await.unwrap();
    assert_eq!(query(&standby.url("shop"), COUNT).await.unwrap(), 7);
    second.caught_up(&primary).await.unwrap();
    assert_eq!(query(&second.url("shop"), COUNT).await.unwrap(), 8);
    standby.resume_replay().await.unwrap();
    standby.caught_up(&primary).await.unwrap();
    assert_eq!(query(&standby.url("shop"), COUNT).await.unwrap(), 8);

    // A synchronous one lost nothing when the primary dies, and a standby of the new primary can be made.
    query(&url, more).await.unwrap();
    primary.stop_hard();
    standby.promote().await.unwrap();
    assert_eq!(query(&standby.url("shop"), more).await.unwrap(), 1);
    assert_eq!(query(&standby.url("shop"), COUNT).await.unwrap(), 10);
    standby.postgres().restart().await.unwrap();
    assert_eq!(query(&standby.url("shop"), COUNT).await.unwrap(), 10);
    let (promoted, folder) = (standby.into_postgres(), Scratch::new().unwrap());
    let third = Standby::of(&promoted, folder.data(), "third", Replication::Synchronous).await.unwrap();
    third.caught_up(&promoted).await.unwrap();
    assert_eq!(query(&third.url("shop"), COUNT).await.unwrap(), 10);
}

#[tokio::test]
async fn a_paused_postgres_answers_nothing_until_it_goes_on() {
    let scratch = Scratch::new().unwrap();
    let mut postgres = Postgres::start(scratch.data(), Durability::Process).await.unwrap();
    let url = postgres.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    postgres.pause();
    let asked = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut connection);
    tokio::pin!(asked);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut asked).await.is_err());
    postgres.resume();
    assert_eq!(asked.await.unwrap(), 1);
    postgres.stop().await;
    assert!(!postgres.process().is_running());
}

#[tokio::test]
async fn postgres_refuses_who_has_no_password() {
    let scratch = Scratch::new().unwrap();
    let postgres = Postgres::start(scratch.data(), Durability::Process).await.unwrap();
    let url = format!("postgres://vitrine:guess@127.0.0.1:{}/postgres", postgres.port());
    let error = query(&url, "SELECT 1::bigint").await.unwrap_err().to_string();
    assert!(error.contains("password"), "{error}");
}

#[tokio::test]
async fn test_databases_are_apart_and_templates_are_made_once() {
    let first = TestDatabase::create().await.unwrap();
    assert!(query(&first.url(), COUNT).await.is_err());
    // Another test run on the same server may not have made this template before.
    let template = format!("made_once_{}", vitrine_load_tests::stack::random_hex(4));
    let made = std::sync::atomic::AtomicU32::new(0);
    let make = async |url| {
        made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        fill(url).await
    };
    let (a, b) =
        tokio::join!(TestDatabase::from_template(&template, make), TestDatabase::from_template(&template, make));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a.name(), b.name());
    assert_eq!(query(&a.url(), "WITH gone AS (DELETE FROM t RETURNING n) SELECT count(*) FROM gone").await.unwrap(), 7);
    assert_eq!(query(&b.url(), COUNT).await.unwrap(), 7);
    assert_eq!(made.into_inner(), 1);
}

#[tokio::test]
async fn a_template_that_cannot_be_made_is_told_and_tried_again() {
    let template = format!("fails_{}", vitrine_load_tests::stack::random_hex(4));
    let error = TestDatabase::from_template(&template, async |_| Err("no such shop")).await.unwrap_err();
    assert!(matches!(&error, StackError::Template { reason, .. } if reason == "no such shop"), "{error}");
    let database = TestDatabase::from_template(&template, fill).await.unwrap();
    assert_eq!(query(&database.url(), COUNT).await.unwrap(), 7);
}

#[tokio::test]
async fn redis_is_empty_after_a_restart_and_keeps_all_over_a_pause() {
    let scratch = Scratch::new().unwrap();
    let mut server = Redis::start(scratch.data()).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let set = async |value: &str| {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("SET").arg("key").arg(value).exec_async(&mut connection).await
    };
    let get = async || {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("GET").arg("key").query_async::<Option<String>>(&mut connection).await
    };
    set("1").await.unwrap();
    server.pause();
    let unanswered = tokio::time::timeout(Duration::from_millis(300), get()).await;
    assert!(unanswered.is_err() || unanswered.unwrap().is_err());
    server.resume();
    assert_eq!(get().await.unwrap().as_deref(), Some("1"));
    server.stop_hard();
    assert!(get().await.is_err());
    server.restart().await.unwrap();
    assert_eq!(get().await.unwrap(), None);
    let stranger = redis::Client::open(format!("redis://127.0.0.1:{}/0", server.port())).unwrap();
    let mut connection = stranger.get_multiplexed_async_connection().await.unwrap();
    assert!(redis::cmd("GET").arg("key").exec_async(&mut connection).await.is_err());
}

fn object(settings: &S3Settings, key: &str) -> String {
    format!("{}/{}/{key}", settings.endpoint, settings.bucket)
}

#[tokio::test]
async fn s3_lets_strangers_read_files_and_nothing_else() {
    let scratch = Scratch::new().unwrap();
    let s3 = S3::start(scratch.data(), S3Keys::generate()).unwrap();
    let settings = s3.settings();
    std::fs::write(s3.folder().join(&settings.bucket).join("a.txt"), "hello").unwrap();
    std::fs::create_dir(s3.folder().join("private")).unwrap();
    std::fs::write(s3.folder().join("private/b.txt"), "secret").unwrap();
    let client = reqwest::Client::new();
    let url = object(&settings, "a.txt");

    let read = client.get(&url).send().await.unwrap();
    assert_eq!(read.status(), 200);
    let etag = read.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(read.text().await.unwrap(), "hello");
    assert_eq!(client.head(&url).send().await.unwrap().headers()["content-length"], "5");
    let part = client.get(&url).header("range", "bytes=1-2").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap()), (206, "el".to_owned()));
    let same = client.get(&url).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((same.status().as_u16(), same.headers()["etag"].to_str().unwrap()), (304, etag.as_str()));
    assert_eq!(client.get(object(&settings, "none")).send().await.unwrap().status(), 404);

    let endpoint = &settings.endpoint;
    for refused in [
        client.put(&url).body("changed"),
        client.delete(&url),
        client.post(format!("{url}?uploads")),
        client.get(format!("{url}?acl")),
        client.get(format!("{endpoint}/")),
        client.get(format!("{endpoint}/{}?list-type=2", settings.bucket)),
        client.get(format!("{endpoint}/private/b.txt")),
        client.get(format!("{endpoint}/{}/%2e%2e/private/b.txt", settings.bucket)),
        client.get(format!("{endpoint}/{}/..%2Fprivate%2Fb.txt", settings.bucket)),
        client.get(&url).header("authorization", "AWS4-HMAC-SHA256 nonsense"),
    ] {
        let request = refused.build().unwrap();
        let what = format!("{} {}", request.method(), request.url());
        let status = client.execute(request).await.unwrap().status();
        assert!(status.is_client_error(), "{what}: {status}");
    }
    assert_eq!(client.put(&url).body("changed").send().await.unwrap().status(), 403);
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "hello");
}

#[tokio::test]
async fn s3_can_be_paused_stopped_and_restarted_on_its_port() {
    let scratch = Scratch::new().unwrap();
    let mut s3 = S3::start(scratch.data(), S3Keys::generate()).unwrap();
    let settings = s3.settings();
    std::fs::write(s3.folder().join(&settings.bucket).join("a.txt"), "hello").unwrap();
    let url = object(&settings, "a.txt");
    let read = async || reqwest::Client::new().get(&url).send().await?.text().await;

    s3.pause();
    let asked = read();
    tokio::pin!(asked);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut asked).await.is_err());
    s3.resume();
    assert_eq!(asked.await.unwrap(), "hello");

    s3.stop_hard();
    assert!(read().await.is_err());
    s3.restart().unwrap();
    wait_until("S3 answers", Duration::from_secs(5), async || read().await.is_ok()).await.unwrap();
}

#[tokio::test]
async fn the_account_of_s3_writes_what_strangers_read_with_its_type() {
    use aws_sdk_s3::primitives::ByteStream;

    let scratch = Scratch::new().unwrap();
    let s3 = S3::start(scratch.data(), S3Keys::generate()).unwrap();
    let settings = s3.settings();
    let client = |secret: &str| {
        let account = aws_credential_types::Credentials::new(&settings.access_key, secret, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&settings.endpoint)
            .region(aws_sdk_s3::config::Region::new(settings.region.clone()))
            .credentials_provider(account)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    };
    let put = async |secret: &str| {
        let request = client(secret).put_object().bucket(&settings.bucket).key("a/b.png").content_type("image/png");
        request.body(ByteStream::from_static(b"not really")).send().await.map(drop)
    };
    assert!(put("guess").await.is_err());
    put(&settings.secret_key).await.unwrap();
    let read = reqwest::get(object(&settings, "a/b.png")).await.unwrap();
    assert_eq!(read.headers()["content-type"], "image/png");
    assert_eq!(read.text().await.unwrap(), "not really");
}

#[test]
fn servers_can_be_started_from_any_task() {
    fn assert_send<T: Send>(_: T) {}
    assert_send(vitrine_load_tests::stack::TestStack::start());
    assert_send(vitrine_load_tests::stack::TestStack::private_with_shop(1));
    assert_send(vitrine_load_tests::stack::TestStack::with_shop(1));
    assert_send(TestDatabase::create());
    assert_send(TestDatabase::from_template("x", fill));
}
