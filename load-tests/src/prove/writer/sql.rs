//! What somebody types into the database.

use std::time::Duration;

use sqlx::PgConnection;

use crate::stack::connect;

/// A statement that takes longer has failed, or has not: nobody knows.
const LIMIT: Duration = Duration::from_secs(15);

/// A connection that is made anew after a failure.
pub(super) struct Typed {
    url: String,
    connection: Option<PgConnection>,
}

impl Typed {
    pub(super) fn new(url: String) -> Self {
        Self { url, connection: None }
    }

    /// Changes a product's title behind the shop's back. Says whether it is committed for certain.
    pub(super) async fn rename(&mut self, product: &str, title: &str) -> bool {
        let statement = sqlx::query("UPDATE product SET title = $1 WHERE id = $2").bind(title).bind(product);
        self.execute(statement).await
    }

    /// Tells that a file was replaced.
    pub(super) async fn purge_file(&mut self, key: &str) -> bool {
        let event = serde_json::json!({ "name": "file.updated", "change": { "entity": "file", "key": key } });
        let statement = "INSERT INTO outbox (name, event, tags) VALUES ('file.updated', $1, ARRAY[$2])";
        self.execute(sqlx::query(statement).bind(event).bind(format!("file:{key}"))).await
    }

    async fn execute(&mut self, query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>) -> bool {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match connect(&self.url).await {
                Ok(connection) => connection,
                Err(_) => return false,
            },
        };
        let done = matches!(tokio::time::timeout(LIMIT, query.execute(&mut connection)).await, Ok(Ok(_)));
        if done {
            self.connection = Some(connection);
        }
        done
    }
}
