//! The whole shop for one test: its servers, an origin, and edges in front of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{
    DataDir, Durability, EdgeSettings, Launch, OriginSettings, Postgres, Redis, S3, S3Keys, Scratch, Secrets, Service,
    StackError, TestDatabase, find_binary, free_port, workspace_root,
};

/// What file URLs begin with in test shops. It is fixed, since a database copied from a template may contain it.
const MEDIA_BASE_URL: &str = "http://vitrine.test/static";

#[derive(Debug)]
enum Database {
    Shared(TestDatabase),
    Private(Box<Postgres>),
}

/// Postgres, Redis and S3 for one test. Redis and S3 are its own; Postgres is too when asked for.
pub struct TestStack {
    database: Database,
    /// Redis, to mishandle.
    pub redis: Redis,
    /// S3, to mishandle.
    pub s3: S3,
    secrets: Secrets,
    // Removed after the servers above have ended.
    scratch: Scratch,
}

impl TestStack {
    /// With an empty database on the shared Postgres.
    pub async fn start() -> Result<Self, StackError> {
        let database = Database::Shared(TestDatabase::create().await?);
        Self::on(Scratch::new()?, database, Secrets::generate(), None).await
    }

    /// With a migrated database and `products` products in it, on the shared Postgres.
    /// The shop is made once for a test run, by the origin's own commands, and copied.
    pub async fn with_shop(products: u32) -> Result<Self, StackError> {
        let template = format!("shop_{products}");
        let prepare = |url, folder| make_shop(url, folder, products);
        let (database, folder) = TestDatabase::from_template_with_folder(&template, prepare).await?;
        let secrets = Secrets::load_or_generate(&folder.join("secrets.env"))?;
        Self::on(Scratch::new()?, Database::Shared(database), secrets, Some(&folder.join("s3"))).await
    }

    /// With a Postgres of its own, for tests that kill or pause it, holding an empty database.
    pub async fn start_private() -> Result<Self, StackError> {
        Self::start_with(Durability::Process).await
    }

    async fn start_with(durability: Durability) -> Result<Self, StackError> {
        let scratch = Scratch::new()?;
        let postgres = Postgres::start(scratch.data(), durability).await?;
        postgres.create_database("vitrine").await?;
        Self::on(scratch, Database::Private(Box::new(postgres)), Secrets::generate(), None).await
    }

    /// One that flushes its commits to the disk, with a migrated database and `products` products in it.
    pub async fn private_with_shop(products: u32) -> Result<Self, StackError> {
        let stack = Self::start_durable().await?;
        stack.make_shop(products, None, MEDIA_BASE_URL).await?;
        Ok(stack)
    }

    /// One that flushes its commits to the disk and has memory as a database server has, holding an empty database.
    pub async fn start_durable() -> Result<Self, StackError> {
        Self::start_with(Durability::Server).await
    }

    /// Migrates the database and puts `products` products into it: with ids of their own or those that the file `ids` tells,
    /// their pictures below `media_base_url`.
    pub async fn make_shop(&self, products: u32, ids: Option<&Path>, media_base_url: &str) -> Result<(), StackError> {
        let settings = OriginSettings { media_base_url: media_base_url.to_owned(), ..self.origin_settings()? };
        migrate_and_seed(&settings, self.scratch.data(), products, ids).await
    }

    async fn on(
        scratch: Scratch,
        database: Database,
        secrets: Secrets,
        files: Option<&Path>,
    ) -> Result<Self, StackError> {
        let redis = Redis::start(scratch.data()).await?;
        if let Some(files) = files {
            copy_folder(files, &scratch.data().folder("s3")?)?;
        }
        let s3 = S3::start(scratch.data(), S3Keys::from(&secrets))?;
        Ok(Self { database, redis, s3, secrets, scratch })
    }

    /// The database's address.
    pub fn database_url(&self) -> String {
        match &self.database {
            Database::Shared(database) => database.url(),
            Database::Private(postgres) => postgres.url("vitrine"),
        }
    }

    /// The stack's own Postgres, if it was started with one.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        match &mut self.database {
            Database::Shared(_) => None,
            Database::Private(postgres) => Some(postgres),
        }
    }

    /// The administrator, tokens and keys of this shop.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Where logs and data lie.
    pub fn data(&self) -> &DataDir {
        self.scratch.data()
    }

    /// What an origin on this stack is told, on free ports.
    pub fn origin_settings(&self) -> Result<OriginSettings, StackError> {
        Ok(OriginSettings {
            listen: local()?,
            internal_listen: local()?,
            database_url: self.database_url(),
            redis_url: self.redis.url(),
            s3: self.s3.settings(),
            media_base_url: MEDIA_BASE_URL.to_owned(),
            secrets: self.secrets.clone(),
        })
    }
}

/// How an origin differs from the shipped one.
#[derive(Debug, Clone, Default)]
pub struct OriginOptions {
    /// Its configuration; without it, `config/origin.toml`.
    pub config: Option<String>,
    /// Variables set besides, or instead of, those of the stack.
    pub env: Vec<(String, String)>,
}

/// A running `vitrine-origin`.
#[derive(Debug)]
pub struct Origin {
    /// The program, to stop, kill, pause or restart.
    pub service: Service,
    listen: SocketAddr,
    internal_listen: SocketAddr,
}

impl Origin {
    /// Starts one on the stack and waits until it is ready. The database must be migrated.
    pub async fn start(stack: &TestStack, options: OriginOptions) -> Result<Self, StackError> {
        let settings = stack.origin_settings()?;
        let (listen, internal_listen) = (settings.listen, settings.internal_listen);
        let mut launch = origin_launch(format!("origin-{}", listen.port()), "serve", &settings, options.config)?;
        launch.env.extend(options.env);
        let service = Service::start(launch, format!("http://{listen}/health/ready"), stack.data()).await?;
        Ok(Self { service, listen, internal_listen })
    }

    /// Its public address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The address of its feed and lease endpoints.
    pub fn internal_url(&self) -> String {
        format!("http://{}", self.internal_listen)
    }

    /// Its host and port.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }
}

/// How an edge differs from the shipped one.
#[derive(Debug, Clone, Default)]
pub struct EdgeOptions {
    /// Which of several edges it is: they need different numbers.
    pub index: u32,
    /// Its configuration; without it, `config/proxy.toml`.
    pub config: Option<String>,
    /// Variables set besides, or instead of, those of the stack.
    pub env: Vec<(String, String)>,
}

/// A running `vitrine-proxy`.
#[derive(Debug)]
pub struct Edge {
    /// The program, to stop, kill, pause or restart.
    pub service: Service,
    listen: SocketAddr,
    ops_listen: SocketAddr,
}

impl Edge {
    /// Starts one in front of `origin` and waits until it is ready.
    pub async fn start(stack: &TestStack, origin: &Origin, options: EdgeOptions) -> Result<Self, StackError> {
        let settings = EdgeSettings {
            listen: local()?,
            ops_listen: local()?,
            ops_token: stack.secrets.ops_token.clone(),
            origin_address: origin.address().to_string(),
            media_address: stack.s3.address().to_string(),
            media_prefix: format!("/{}", stack.s3.settings().bucket),
            media_bucket: stack.s3.settings().bucket,
            redis_url: stack.redis.url(),
            feed_url: origin.internal_url(),
            internal_token: stack.secrets.internal_token.clone(),
            edge_id: format!("edge-{}", options.index),
        };
        let mut launch = edge_launch(settings.edge_id.clone(), &settings, options.config)?;
        launch.env.extend(options.env);
        let ready = format!("http://{}/health/ready", settings.ops_listen);
        let service = Service::start(launch, ready, stack.data()).await?;
        Ok(Self { service, listen: settings.listen, ops_listen: settings.ops_listen })
    }

    /// Its address for visitors, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Its address for operators.
    pub fn ops_url(&self) -> String {
        format!("http://{}", self.ops_listen)
    }
}

/// How to run a command of the origin.
pub(crate) fn origin_launch(
    name: String,
    command: &str,
    settings: &OriginSettings,
    config: Option<String>,
) -> Result<Launch, StackError> {
    Ok(Launch {
        name,
        binary: find_binary("vitrine-origin", "VITRINE_ORIGIN_BIN")?,
        args: ["--config".to_owned(), config.unwrap_or_else(|| "config/origin.toml".to_owned()), command.to_owned()]
            .into(),
        env: settings.env(),
        folder: workspace_root()?,
        namespace: None,
    })
}

/// How to run an edge.
pub(crate) fn edge_launch(name: String, settings: &EdgeSettings, config: Option<String>) -> Result<Launch, StackError> {
    Ok(Launch {
        name,
        binary: find_binary("vitrine-proxy", "VITRINE_PROXY_BIN")?,
        args: ["run".to_owned(), "--config".to_owned(), config.unwrap_or_else(|| "config/proxy.toml".to_owned())]
            .into(),
        env: settings.env(),
        folder: workspace_root()?,
        namespace: None,
    })
}

/// Fills a template: the database at `url`, and `secrets.env` and `s3` in `folder`.
async fn make_shop(url: String, folder: PathBuf, products: u32) -> Result<(), StackError> {
    let _ = std::fs::remove_dir_all(&folder);
    let data = DataDir::open(&folder)?;
    let secrets = Secrets::load_or_generate(&folder.join("secrets.env"))?;
    let scratch = Scratch::new()?;
    let redis = Redis::start(scratch.data()).await?;
    let s3 = S3::start(&data, S3Keys::from(&secrets))?;
    let settings = OriginSettings {
        listen: local()?,
        internal_listen: local()?,
        database_url: url,
        redis_url: redis.url(),
        s3: s3.settings(),
        media_base_url: MEDIA_BASE_URL.to_owned(),
        secrets,
    };
    migrate_and_seed(&settings, scratch.data(), products, None).await
}

async fn migrate_and_seed(
    settings: &OriginSettings,
    data: &DataDir,
    products: u32,
    ids: Option<&Path>,
) -> Result<(), StackError> {
    origin_launch("migrate".to_owned(), "migrate", settings, None)?.run_to_end(data).await?;
    let mut seed = origin_launch("seed".to_owned(), "seed", settings, None)?;
    seed.args.extend(["--products".to_owned(), products.to_string()]);
    seed.args.extend(ids.into_iter().flat_map(|ids| ["--ids".to_owned(), ids.display().to_string()]));
    seed.run_to_end(data).await
}

fn local() -> Result<SocketAddr, StackError> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

/// Copies what lies in `from` into `to`.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StackError> {
    std::fs::create_dir_all(to).map_err(StackError::io("make the folder", to))?;
    for entry in std::fs::read_dir(from).map_err(StackError::io("list", from))? {
        let path = entry.map_err(StackError::io("list", from))?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            std::fs::copy(&path, &target).map_err(StackError::io("copy", &path))?;
        }
    }
    Ok(())
}
