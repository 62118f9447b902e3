//! Medusa from npm (`load-tests/medusa`), with a database of its own beside ours.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use sqlx::Connection as _;

use crate::bench::BenchError;
use crate::stack::{Launch, Service, TestStack, connect, free_port, workspace_root};

const DATABASE: &str = "medusa";
/// Medusa's keys in Redis lie apart from ours.
const REDIS_DATABASES: [u8; 2] = [1, 2];

/// Makes the database, the data set and the administrator.
pub(super) async fn make_shop(stack: &mut TestStack, products: u32) -> Result<(), BenchError> {
    let postgres = stack.postgres().ok_or_else(|| BenchError::Answer("no Postgres of our own".to_owned()))?;
    postgres.create_database(DATABASE).await?;
    // Our carts do not wait for the disk (`carts.flush`), so nothing of Medusa's does.
    let mut connection = connect(&postgres.url(DATABASE)).await?;
    let settings = sqlx::AssertSqlSafe(format!("ALTER DATABASE {DATABASE} SET synchronous_commit = off"));
    sqlx::query(settings).execute(&mut connection).await?;
    connection.close().await?;
    let (email, password) = (stack.secrets().admin_email.clone(), stack.secrets().admin_password.clone());
    let products = ("SEED_N".to_owned(), products.to_string());
    command(stack, "medusa-migrate", &["db:migrate"], [])?.run_to_end(stack.data()).await?;
    command(stack, "medusa-seed", &["exec", "./src/scripts/seed.js"], [products])?.run_to_end(stack.data()).await?;
    command(stack, "medusa-user", &["user", "-e", &email, "-p", &password], [])?.run_to_end(stack.data()).await?;
    Ok(())
}

/// Starts it with as many processes as there are cores.
pub(super) async fn start(
    stack: &mut TestStack,
    name: &str,
    caching: bool,
) -> Result<(Service, SocketAddr), BenchError> {
    let port = free_port()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let redis = REDIS_DATABASES[usize::from(caching)];
    let production = [("NODE_ENV".to_owned(), "production".to_owned())];
    let mut launch = command(stack, name, &["start", "--cluster", "100%", "--host", "127.0.0.1"], production)?;
    launch.args.extend(["--port".to_owned(), port.to_string()]);
    launch.env.push(("REDIS_URL".to_owned(), format!("{}/{redis}", stack.redis.url())));
    launch.env.push(("CACHING".to_owned(), if caching { "on" } else { "off" }.to_owned()));
    launch.env.push(("MEDUSA_FF_CACHING".to_owned(), caching.to_string()));
    let service = Service::start(launch, format!("http://{address}/health"), stack.data()).await?;
    Ok((service, address))
}

/// The token of the shop's publishable key.
pub(super) async fn publishable_key(stack: &mut TestStack) -> Result<String, BenchError> {
    let mut connection = connect(&database_url(stack)?).await?;
    let token = sqlx::query_scalar("SELECT token FROM api_key WHERE type = 'publishable' AND title = 'pk'");
    let token = token.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(token)
}

pub(super) fn database_url(stack: &mut TestStack) -> Result<String, BenchError> {
    let postgres = stack.postgres().ok_or_else(|| BenchError::Answer("no Postgres of our own".to_owned()))?;
    Ok(postgres.url(DATABASE))
}

/// One of its commands.
fn command<const N: usize>(
    stack: &mut TestStack,
    name: &str,
    args: &[&str],
    env: [(String, String); N],
) -> Result<Launch, BenchError> {
    let folder: PathBuf = workspace_root()?.join("load-tests/medusa");
    let binary = folder.join("node_modules/.bin/medusa");
    if !binary.exists() {
        return Err(BenchError::Answer(format!("{} is missing: `make bench-origin` installs it", binary.display())));
    }
    let secret = stack.secrets().jwt_secret.clone();
    let redis = format!("{}/{}", stack.redis.url(), REDIS_DATABASES[0]);
    let mut all = vec![
        ("DATABASE_URL".to_owned(), database_url(stack)?),
        ("REDIS_URL".to_owned(), redis),
        ("JWT_SECRET".to_owned(), secret.clone()),
        ("COOKIE_SECRET".to_owned(), secret),
        ("MEDUSA_DISABLE_TELEMETRY".to_owned(), "true".to_owned()),
        ("LOG_LEVEL".to_owned(), "warn".to_owned()),
    ];
    all.extend(env);
    Ok(Launch {
        name: name.to_owned(),
        binary,
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: all,
        folder,
        namespace: None,
    })
}
