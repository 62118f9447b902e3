//! The whole shop of a run: three edges, two origins, Redis, Postgres with a synchronous standby, and media, each at an address of
//! its own.

use std::net::SocketAddr;
use std::path::Path;

use super::config::{self, Break, EdgePlan};
use super::error::{ProveError, system};
use super::network::{Network, Node};
use crate::stack::{
    DataDir, Durability, EdgeSettings, OriginSettings, Postgres, Redis, Replication, S3, S3Keys, Secrets, Service,
    Standby, edge_launch, end_leftovers, origin_launch, remove_cluster,
};

pub(super) const EDGES: u8 = 3;
pub(super) const ORIGINS: u8 = 2;
const PORT: u16 = 8080;
/// Operations of edges, feed and leases of origins.
const INNER_PORT: u16 = 8081;
const REDIS_PORT: u16 = 26_379;
/// Products of the demo shop, which are not written.
const SEEDED: &str = "20";
const DATABASE: &str = "vitrine";
/// Sites that may call from a browser; the origin's answers vary by them.
pub(super) const SITES: [&str; 2] = ["http://a.test", "http://b.test"];

/// One of Vitrine's own programs.
pub(super) struct Server {
    pub(super) service: Service,
    pub(super) node: Node,
    pub(super) listen: SocketAddr,
    pub(super) inner: SocketAddr,
}

/// The running shop. What is dropped first ends first.
pub(super) struct Shop {
    pub(super) edges: Vec<Server>,
    pub(super) origins: Vec<Server>,
    pub(super) redis: Redis,
    /// The present primary.
    pub(super) postgres: Postgres,
    standby: Option<Standby>,
    /// How many databases have followed the first.
    generation: u8,
    pub(super) s3: S3,
    pub(super) secrets: Secrets,
    pub(super) data: DataDir,
    pub(super) network: Network,
}

impl Shop {
    /// Starts everything but the standby in `folder`, which is emptied.
    pub(super) async fn start(
        folder: &Path,
        broken: Option<Break>,
        durability: Durability,
    ) -> Result<Self, ProveError> {
        // First, since it sees to it that nobody else is at work in the folder.
        let held = Network::hold()?;
        clean(folder)?;
        let data = DataDir::open(folder)?;
        let network = Network::make(held, EDGES, ORIGINS);
        let secrets = Secrets::generate();
        let node = Node::Postgres(0);
        let postgres = Postgres::start_at(&database_folder(&data, 0)?, durability, network.site(node, 0)).await?;
        postgres.create_database(DATABASE).await?;
        network.move_database(node)?;
        let redis = Redis::start_at(&data, &network.site(Node::Redis, REDIS_PORT)).await?;
        let s3 = S3::start_at(&data, S3Keys::from(&secrets), network.client())?;
        let mut shop = Self {
            edges: Vec::new(),
            origins: Vec::new(),
            redis,
            postgres,
            standby: None,
            generation: 0,
            s3,
            secrets,
            data,
            network,
        };
        shop.fill().await?;
        shop.start_origins().await?;
        shop.start_edges(broken).await?;
        Ok(shop)
    }

    /// The database's address, which moves with a promotion. With the password in it: not for logs.
    pub(super) fn database_url(&self) -> String {
        let (own, (host, port)) = (self.postgres.url(DATABASE), self.network.database());
        let (account, _) = own.rsplit_once('@').unwrap_or((&own, ""));
        format!("{account}@{host}:{port}/{DATABASE}")
    }

    /// The server that is the primary now.
    pub(super) fn primary(&self) -> Node {
        Node::Postgres(self.generation)
    }

    /// Makes a synchronous standby of the present primary, unless there is one.
    pub(super) async fn make_standby(&mut self) -> Result<(), ProveError> {
        if self.standby.is_none() && self.can_promote() {
            let next = self.generation + 1;
            let data = database_folder(&self.data, next)?;
            let site = self.network.site(Node::Postgres(next), 0);
            let name = format!("standby_{next}");
            self.standby = Some(Standby::at(&self.postgres, &data, &name, Replication::Synchronous, site).await?);
        }
        Ok(())
    }

    /// Whether there are addresses for a further database.
    pub(super) fn can_promote(&self) -> bool {
        self.network.is_divided() && self.generation < 3
    }

    /// Kills the primary for good, makes the standby the primary, and gives it the database's address.
    pub(super) async fn promote(&mut self) -> Result<(), ProveError> {
        let Some(standby) = self.standby.take() else {
            return Err(ProveError::Setup("there is no standby to promote".to_owned()));
        };
        self.postgres.stop_hard();
        standby.promote().await?;
        self.generation += 1;
        self.network.move_database(self.primary())?;
        self.postgres = standby.into_postgres();
        Ok(())
    }

    /// Ends everything in order.
    pub(super) async fn stop(mut self) {
        let _ = self.network.heal();
        futures_util::future::join_all(self.edges.iter_mut().map(|edge| edge.service.stop())).await;
        futures_util::future::join_all(self.origins.iter_mut().map(|origin| origin.service.stop())).await;
        self.standby = None;
        self.postgres.stop().await;
        self.redis.stop().await;
    }

    /// The origin in `node`'s place, for its program or for a command of it.
    fn origin_settings(&self, node: Node) -> OriginSettings {
        OriginSettings {
            listen: SocketAddr::from((self.network.host(node), PORT)),
            internal_listen: SocketAddr::from((self.network.host(node), INNER_PORT)),
            database_url: self.database_url(),
            redis_url: self.redis.url(),
            s3: self.s3.settings(),
            media_base_url: "http://prove.test/static".to_owned(),
            secrets: self.secrets.clone(),
        }
    }

    async fn fill(&self) -> Result<(), ProveError> {
        let settings = self.origin_settings(Node::Origin(0));
        for (command, arguments) in [("migrate", &[][..]), ("seed", &["--products", SEEDED])] {
            let mut launch = origin_launch(command.to_owned(), command, &settings, None)?;
            launch.args.extend(arguments.iter().map(|argument| (*argument).to_owned()));
            launch.namespace = self.network.namespace(Node::Origin(0));
            launch.run_to_end(&self.data).await?;
        }
        Ok(())
    }

    async fn start_origins(&mut self) -> Result<(), ProveError> {
        for index in 0..ORIGINS {
            let node = Node::Origin(index);
            let settings = self.origin_settings(node);
            let mut launch = origin_launch(node.to_string(), "serve", &settings, None)?;
            launch.env.extend([("STORE_CORS".to_owned(), SITES.join(",")), log()]);
            launch.namespace = self.network.namespace(node);
            let service =
                Service::start(launch, format!("http://{}/health/ready", settings.listen), &self.data).await?;
            let (listen, inner) = (settings.listen, settings.internal_listen);
            self.origins.push(Server { service, node, listen, inner });
        }
        Ok(())
    }

    /// Whom an edge follows: the origins, each edge another one first; the last edge follows one alone.
    fn feed(&self, edge: usize) -> String {
        let alone = edge + 1 == usize::from(EDGES);
        let followed = self.origins.iter().cycle().skip(edge).take(if alone { 1 } else { self.origins.len() });
        followed.map(|origin| format!("http://{}", origin.inner)).collect::<Vec<_>>().join(",")
    }

    async fn start_edges(&mut self, broken: Option<Break>) -> Result<(), ProveError> {
        let origins: Vec<SocketAddr> = self.origins.iter().map(|origin| origin.listen).collect();
        for index in 0..EDGES {
            let node = Node::Edge(index);
            // The first has memory alone, the last serves the old where it can do nothing else.
            let disk = self.data.root().join(format!("disk-{index}"));
            let plan = EdgePlan {
                origins: &origins,
                disk: (index > 0).then_some(disk.as_path()),
                serve_for: index == EDGES - 1,
                broken,
            };
            let path = self.data.root().join(format!("{node}.toml"));
            std::fs::write(&path, config::edge(&plan)?).map_err(system(format!("write {}", path.display())))?;
            let feed = self.feed(usize::from(index));
            let settings = EdgeSettings {
                listen: SocketAddr::from((self.network.host(node), PORT)),
                ops_listen: SocketAddr::from((self.network.host(node), INNER_PORT)),
                ops_token: self.secrets.ops_token.clone(),
                origin_address: origins[0].to_string(),
                media_address: self.s3.address().to_string(),
                media_bucket: self.s3.settings().bucket,
                media_prefix: format!("/{}", self.s3.settings().bucket),
                redis_url: self.redis.url(),
                feed_url: feed,
                internal_token: self.secrets.internal_token.clone(),
                edge_id: node.to_string(),
            };
            let mut launch = edge_launch(node.to_string(), &settings, Some(path.display().to_string()))?;
            launch.env.push(log());
            launch.namespace = self.network.namespace(node);
            let service =
                Service::start(launch, format!("http://{}/health/ready", settings.ops_listen), &self.data).await?;
            self.edges.push(Server { service, node, listen: settings.listen, inner: settings.ops_listen });
        }
        Ok(())
    }
}

/// Access logs of so many reads would be most of what a run does.
fn log() -> (String, String) {
    ("VITRINE_LOG".to_owned(), "info,access=off".to_owned())
}

fn database_folder(data: &DataDir, generation: u8) -> Result<DataDir, ProveError> {
    Ok(DataDir::open(&data.root().join(format!("postgres-{generation}")))?)
}

/// Ends what a killed run left in the folder, and removes its data.
fn clean(folder: &Path) -> Result<(), ProveError> {
    let databases = (0..4).map(|generation| folder.join(format!("postgres-{generation}")));
    end_leftovers(&folder.join("pids"));
    for database in databases.filter(|database| database.is_dir()) {
        end_leftovers(&database.join("pids"));
        remove_cluster(&database)?;
    }
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).map_err(system(format!("empty {}", folder.display())))?;
    }
    Ok(())
}
