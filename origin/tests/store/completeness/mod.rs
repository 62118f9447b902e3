//! Whatever SQL by hand changes in an answer, the events of its triggers purge a tag of that answer.
//!
//! A sample of the pairs of mutations and questions beside this file is tried; all of them (20 minutes) with
//! `VITRINE_ALL_TAGS=all`, and those whose statement holds a text with `VITRINE_ALL_TAGS=TEXT`. The origin that answers may read the tables with triggers and no others, so a table
//! that an answer is made of and that tells of no change fails the test too.

mod mutations;
mod racing;
pub(crate) mod requests;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Client;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vitrine_load_tests::stack::{TestDatabase, random_hex};
use vitrine_origin::config::Secret;
use vitrine_origin::{AppState, api, database};
use vitrine_shared::event::Event;
use vitrine_shared::tag::Tag;

use crate::shop;
use mutations::Mutation;
use requests::Ask;

/// One mutation in so many is tried where not all are.
const SAMPLE: usize = 40;
/// One question in so many is asked about each.
const SEEN_BY: usize = 3;
/// Questions that are asked at once.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u16,
    body: String,
    tags: BTreeSet<Tag>,
}

/// What an event purged.
enum Purged {
    Tags(BTreeSet<Tag>),
    Everything,
}

struct Shop {
    owner: PgPool,
    url: String,
    client: Client,
    role: String,
    _database: TestDatabase,
}

impl Shop {
    async fn start() -> Self {
        let database = TestDatabase::from_template("store_reads", shop::load).await.unwrap();
        let owner = database::pool(&shop::config(&database.url()).database).unwrap();
        sqlx::raw_sql(include_str!("setup.sql")).execute(&owner).await.unwrap();
        let role = format!("reader_{}", random_hex(6));
        let grants = format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{role}';
             -- Nobody changes the latter two but triggers of tables that tell.
             GRANT SELECT ON feed_position, product_place, product_place_count TO {role};
             DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'outbox_update' LOOP
                 EXECUTE format('GRANT SELECT ON %s TO {role}', t);
             END LOOP; END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(grants)).execute(&owner).await.unwrap();
        let url = database.url();
        let mut config = shop::config(&url);
        let (_, place) = url.split_once('@').unwrap();
        config.database.url = Secret::new(format!("postgres://{role}:{role}@{place}"));
        // Nothing runs but the router: without a lease nothing is answered from a cache.
        let state = AppState::new(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { owner, url, client: Client::new(), role, _database: database }
    }

    async fn answers(&self, asks: &[Ask]) -> Vec<Answer> {
        let mut running = JoinSet::new();
        let mut answers = vec![None; asks.len()];
        for (index, ask) in asks.iter().enumerate() {
            if running.len() >= AT_ONCE {
                let (index, answer) = running.join_next().await.unwrap().unwrap();
                answers[index] = Some(answer);
            }
            let request =
                self.client.get(format!("{}/store/{}", self.url, ask.path)).header("x-publishable-api-key", ask.key);
            running.spawn(async move {
                let response = request.send().await.unwrap();
                let (status, tags) = (response.status().as_u16(), shop::tags(&response));
                (index, Answer { status, body: response.text().await.unwrap(), tags })
            });
        }
        for (index, answer) in running.join_all().await {
            answers[index] = Some(answer);
        }
        let answers: Vec<Answer> = answers.into_iter().map(Option::unwrap).collect();
        for (ask, answer) in asks.iter().zip(&answers) {
            // 500 where a table is read that this origin may not read: it has no triggers.
            assert!(answer.status < 500, "{}: {} {}", ask.path, answer.status, answer.body);
            let stored = matches!(answer.status, 200 | 404);
            assert!(!stored || !answer.tags.is_empty(), "{}: {} without tags", ask.path, answer.status);
        }
        answers
    }

    /// Commits a statement; what its events purge, worked out as the relay does.
    async fn commit(&self, sql: &str) -> Purged {
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM outbox").fetch_one(&self.owner).await.unwrap();
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.owner).await {
            panic!("{sql}: {error}");
        }
        self.purged("SELECT event, everything FROM outbox WHERE due_at IS NULL AND id > ($1::bigint[])[1]", &[newest])
            .await
    }

    /// What some rows of the outbox purge.
    async fn purged(&self, rows: &'static str, ids: &[i64]) -> Purged {
        let rows: Vec<(serde_json::Value, bool)> = sqlx::query_as(rows).bind(ids).fetch_all(&self.owner).await.unwrap();
        if rows.iter().any(|(_, everything)| *everything) {
            return Purged::Everything;
        }
        let events = rows.into_iter().map(|(event, _)| serde_json::from_value::<Event>(event).unwrap());
        Purged::Tags(events.flat_map(|event| event.change.tags()).collect())
    }

    /// Roles outlive databases.
    async fn end(&self) {
        let end = format!("DROP OWNED BY {0}; DROP ROLE {0}", self.role);
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&self.owner).await.unwrap();
    }
}

/// How often answers changed, and how often they were purged.
#[derive(Debug, Default)]
struct Tally {
    changed: usize,
    purged: usize,
    holes: Vec<String>,
    needless: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, sql: &str, asks: &[Ask], before: &[Answer], after: &[Answer], purged: &Purged) {
        for ((ask, before), after) in asks.iter().zip(before).zip(after) {
            let changed = (before.status, &before.body) != (after.status, &after.body);
            let met = match purged {
                Purged::Everything => true,
                Purged::Tags(tags) => !tags.is_disjoint(&before.tags),
            };
            // What is not stored cannot be stale: refusals of the request itself.
            let stored = !before.tags.is_empty();
            self.changed += usize::from(changed && stored);
            self.purged += usize::from(met);
            if met && !changed {
                *self.needless.entry(sql.split_whitespace().take(4).collect::<Vec<_>>().join(" ")).or_default() += 1;
            }
            if changed && stored && !met {
                let tags = match purged {
                    Purged::Tags(tags) => format!("{tags:?}"),
                    Purged::Everything => String::new(),
                };
                self.holes.push(format!(
                    "{sql}\n  changed {} ({} {} -> {})\n  purged {tags}\n  tags {:?}",
                    ask.path, ask.key, before.status, after.status, before.tags
                ));
            }
        }
    }
}

/// Does a chain of mutations and takes it back; `first` are the answers before.
async fn run(shop: &Shop, chain: &[Mutation], asks: &[Ask], first: Vec<Answer>, tally: &mut Tally) {
    let mut states = vec![first];
    for mutation in chain {
        let purged = shop.commit(&mutation.sql).await;
        let after = shop.answers(asks).await;
        tally.add(&mutation.sql, asks, &states[states.len() - 1], &after, &purged);
        states.push(after);
    }
    for mutation in chain.iter().rev() {
        let after = states.pop().unwrap();
        let purged = shop.commit(&mutation.undo).await;
        tally.add(&mutation.undo, asks, &after, &states[states.len() - 1], &purged);
    }
}

#[tokio::test]
async fn whatever_sql_changes_in_an_answer_it_purges() {
    let shop = Shop::start().await;
    let asks = requests::all();
    let wanted = std::env::var("VITRINE_ALL_TAGS").ok();
    let mut tally = Tally::default();
    let first = shop.answers(&asks).await;
    let chains = mutations::all(&shop.owner).await;
    for (index, chain) in chains.iter().enumerate() {
        // Of a sample, each mutation is seen by some of the questions: each by others.
        let seen = |ask: usize| wanted.is_some() || ask % SEEN_BY == index % SEEN_BY;
        let is_tried = match &wanted {
            Some(text) => text == "all" || chain.iter().any(|mutation| mutation.sql.contains(text.as_str())),
            None => chain.len() > 1 || index.is_multiple_of(SAMPLE),
        };
        if !is_tried {
            continue;
        }
        let known = tally.holes.len();
        let some: Vec<Ask> =
            asks.iter().enumerate().filter(|(ask, _)| seen(*ask)).map(|(_, ask)| ask.clone()).collect();
        let before = first.iter().enumerate().filter(|(ask, _)| seen(*ask)).map(|(_, answer)| answer.clone()).collect();
        run(&shop, chain, &some, before, &mut tally).await;
        if wanted.is_some() {
            println!("{index} of {}", chains.len());
            tally.holes[known..].iter().for_each(|hole| println!("HOLE {hole}"));
        }
    }
    for ((ask, first), last) in asks.iter().zip(&first).zip(&shop.answers(&asks).await) {
        assert_eq!(first, last, "{}: something was not taken back", ask.path);
    }
    println!("{} questions: {} answers changed, {} were purged", asks.len(), tally.changed, tally.purged);
    println!("purged and not changed, by statement: {:#?}", tally.needless);
    shop.end().await;
    assert!(tally.holes.is_empty(), "{} holes:\n{}", tally.holes.len(), tally.holes.join("\n"));
    assert!(tally.changed > 20, "{} answers changed: it proves nothing", tally.changed);
}
