//! What is done to the shop, and how it ends.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::super::error::ProveError;
use super::super::network::{Cut, Node};
use super::super::shop::{EDGES, ORIGINS, Server, Shop};
use super::look;

/// Shorter than a lease, and longer than lease and drift together.
const BRIEFLY: Duration = Duration::from_millis(1_500);
const LONG: Duration = Duration::from_secs(7);
/// How long most faults last: some end before a lease, most after it.
const LASTS_MS: std::ops::Range<u64> = 1_500..6_500;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::prove) enum Kind {
    EdgeKilled,
    EdgeStoppedBriefly,
    EdgeStoppedLong,
    LeaderKilled,
    LeaderStoppedBriefly,
    LeaderStoppedLong,
    FollowerKilled,
    FollowerStoppedLong,
    RedisKilled,
    RedisStopped,
    RedisFlushed,
    PostgresKilled,
    PostgresStoppedBriefly,
    PostgresStoppedLong,
    RelayCut,
    EdgeWithoutOrigins,
    EdgeUnheardByOrigins,
    EdgeDeafToOrigins,
    EdgeWithoutRedis,
    EdgeDeafToRedis,
    EdgeAlone,
    OriginWithoutPostgres,
    OriginDeafToPostgres,
    OriginUnheardByPostgres,
    OriginWithoutRedis,
    OriginsApart,
    LinkSlow,
    Promotion,
}

/// All kinds, with their names in reports and whether they need namespaces.
pub(in crate::prove) const KINDS: [(Kind, &str, bool); 28] = [
    (Kind::EdgeKilled, "edge killed", false),
    (Kind::EdgeStoppedBriefly, "edge stopped briefly", false),
    (Kind::EdgeStoppedLong, "edge stopped for longer than its lease", false),
    (Kind::LeaderKilled, "leading origin killed", false),
    (Kind::LeaderStoppedBriefly, "leading origin stopped briefly", false),
    (Kind::LeaderStoppedLong, "leading origin stopped for longer than a lease", false),
    (Kind::FollowerKilled, "other origin killed", false),
    (Kind::FollowerStoppedLong, "other origin stopped for longer than a lease", false),
    (Kind::RedisKilled, "redis killed", false),
    (Kind::RedisStopped, "redis stopped", false),
    (Kind::RedisFlushed, "redis FLUSHALL", false),
    (Kind::PostgresKilled, "postgres killed", false),
    (Kind::PostgresStoppedBriefly, "postgres stopped briefly", false),
    (Kind::PostgresStoppedLong, "postgres stopped for longer than a lease", false),
    (Kind::RelayCut, "relay's connection terminated", false),
    (Kind::EdgeWithoutOrigins, "edge | origins", true),
    (Kind::EdgeUnheardByOrigins, "edge -> origins lost", true),
    (Kind::EdgeDeafToOrigins, "origins -> edge lost", true),
    (Kind::EdgeWithoutRedis, "edge | redis", true),
    (Kind::EdgeDeafToRedis, "redis -> edge lost", true),
    (Kind::EdgeAlone, "edge | origins, redis", true),
    (Kind::OriginWithoutPostgres, "origin | postgres", true),
    (Kind::OriginDeafToPostgres, "postgres -> origin lost", true),
    (Kind::OriginUnheardByPostgres, "origin -> postgres lost", true),
    (Kind::OriginWithoutRedis, "origin | redis", true),
    (Kind::OriginsApart, "origin | origin", true),
    (Kind::LinkSlow, "slow link", true),
    (Kind::Promotion, "standby promoted", true),
];

/// A fault that has begun.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) name: String,
    pub(super) lasts: Duration,
    heal: Heal,
}

/// What ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heal {
    Nothing,
    Network,
    Restart(Part),
    Resume(Part),
    RestartRedis,
    ResumeRedis,
    RestartPostgres,
    ResumePostgres,
    NewStandby,
}

/// One of our programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Edge(usize),
    Origin(usize),
}

impl Part {
    fn of(self, shop: &mut Shop) -> &mut Server {
        match self {
            Self::Edge(index) => &mut shop.edges[index],
            Self::Origin(index) => &mut shop.origins[index],
        }
    }
}

impl Kind {
    pub(in crate::prove) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("?", |(_, name, _)| name)
    }

    /// Whether it can come on top of another.
    pub(super) fn comes_besides(self, other: Self) -> bool {
        match self {
            Self::EdgeKilled | Self::EdgeStoppedBriefly | Self::EdgeWithoutRedis => self != other,
            Self::RedisFlushed => !matches!(other, Self::RedisKilled | Self::RedisStopped | Self::RedisFlushed),
            Self::RelayCut => !matches!(
                other,
                Self::PostgresKilled | Self::PostgresStoppedBriefly | Self::PostgresStoppedLong | Self::RelayCut
            ),
            _ => false,
        }
    }

    /// Does it.
    pub(super) async fn begin(self, shop: &mut Shop, random: &mut StdRng) -> Result<Begun, ProveError> {
        let edge = random.random_range(0..usize::from(EDGES));
        let any_origin = random.random_range(0..usize::from(ORIGINS));
        let lasts = Duration::from_millis(random.random_range(LASTS_MS));
        let begun = |name: String, lasts, heal| Ok(Begun { name, lasts, heal });
        match self {
            Self::EdgeKilled | Self::EdgeStoppedBriefly | Self::EdgeStoppedLong => {
                let name = format!("{} (edge-{edge})", self.name());
                Ok(self.end_or_stop(&mut shop.edges[edge], Part::Edge(edge), name, lasts))
            }
            Self::LeaderKilled
            | Self::LeaderStoppedBriefly
            | Self::LeaderStoppedLong
            | Self::FollowerKilled
            | Self::FollowerStoppedLong => {
                let leader = look::leader(shop).await.unwrap_or(any_origin);
                let leads = !matches!(self, Self::FollowerKilled | Self::FollowerStoppedLong);
                let origin = if leads { leader } else { (leader + 1) % shop.origins.len() };
                let name = format!("{} (origin-{origin})", self.name());
                Ok(self.end_or_stop(&mut shop.origins[origin], Part::Origin(origin), name, lasts))
            }
            Self::RedisKilled => {
                shop.redis.stop_hard();
                begun(self.name().to_owned(), lasts, Heal::RestartRedis)
            }
            Self::RedisStopped => {
                shop.redis.pause();
                begun(self.name().to_owned(), lasts, Heal::ResumeRedis)
            }
            Self::RedisFlushed => {
                look::flush_redis(shop).await?;
                begun(self.name().to_owned(), BRIEFLY, Heal::Nothing)
            }
            Self::PostgresKilled => {
                shop.postgres.stop_hard();
                begun(self.name().to_owned(), lasts, Heal::RestartPostgres)
            }
            Self::PostgresStoppedBriefly | Self::PostgresStoppedLong => {
                shop.postgres.pause();
                begun(self.name().to_owned(), self.pause(), Heal::ResumePostgres)
            }
            Self::RelayCut => {
                look::terminate_relay(shop).await?;
                begun(self.name().to_owned(), BRIEFLY, Heal::Nothing)
            }
            Self::Promotion => {
                shop.promote().await?;
                begun(self.name().to_owned(), BRIEFLY, Heal::NewStandby)
            }
            Self::LinkSlow => {
                let nodes = [Node::Origin(0), Node::Origin(1), Node::Redis, shop.primary()];
                let node = nodes.choose(random).copied().unwrap_or(Node::Redis);
                shop.network.slow(node)?;
                begun(format!("{} ({node})", self.name()), lasts, Heal::Network)
            }
            _ => {
                let (edge, origin) = (number(edge), number(any_origin));
                let cuts = self.cuts(edge, origin, shop.primary());
                shop.network.cut(&cuts)?;
                let who: Vec<String> = cuts.iter().map(|cut| format!("{} -> {}", cut.from, cut.to)).collect();
                begun(format!("{} ({})", self.name(), who.join(", ")), lasts, Heal::Network)
            }
        }
    }

    /// Kills one of our programs, or stops it in its tracks.
    fn end_or_stop(self, server: &mut Server, part: Part, name: String, lasts: Duration) -> Begun {
        if matches!(self, Self::EdgeKilled | Self::LeaderKilled | Self::FollowerKilled) {
            server.service.stop_hard();
            return Begun { name, lasts, heal: Heal::Restart(part) };
        }
        server.service.pause();
        Begun { name, lasts: self.pause(), heal: Heal::Resume(part) }
    }

    fn pause(self) -> Duration {
        match self {
            Self::EdgeStoppedBriefly | Self::LeaderStoppedBriefly | Self::PostgresStoppedBriefly => BRIEFLY,
            _ => LONG,
        }
    }

    /// The packets that get lost.
    fn cuts(self, edge: u8, origin: u8, primary: Node) -> Vec<Cut> {
        let (edge, origin) = (Node::Edge(edge), Node::Origin(origin));
        let origins = (0..ORIGINS).map(Node::Origin);
        let to = |from, to| Cut { from, to };
        let both = |one, other| [to(one, other), to(other, one)];
        match self {
            Self::EdgeWithoutOrigins => origins.flat_map(|origin| both(edge, origin)).collect(),
            Self::EdgeUnheardByOrigins => origins.map(|origin| to(edge, origin)).collect(),
            Self::EdgeDeafToOrigins => origins.map(|origin| to(origin, edge)).collect(),
            Self::EdgeWithoutRedis => both(edge, Node::Redis).into(),
            Self::EdgeDeafToRedis => vec![to(Node::Redis, edge)],
            Self::EdgeAlone => origins.chain([Node::Redis]).flat_map(|other| both(edge, other)).collect(),
            Self::OriginWithoutPostgres => both(origin, primary).into(),
            Self::OriginDeafToPostgres => vec![to(primary, origin)],
            Self::OriginUnheardByPostgres => vec![to(origin, primary)],
            Self::OriginWithoutRedis => both(origin, Node::Redis).into(),
            Self::OriginsApart => both(Node::Origin(0), Node::Origin(1)).into(),
            _ => Vec::new(),
        }
    }
}

fn number(index: usize) -> u8 {
    u8::try_from(index).unwrap_or_default()
}

impl Begun {
    /// Ends it. Programs that were killed are ready again when this returns.
    pub(super) async fn heal(self, shop: &mut Shop) -> Result<(), ProveError> {
        match self.heal {
            Heal::Nothing => {}
            Heal::Network => shop.network.heal()?,
            Heal::Restart(part) => part.of(shop).service.restart().await?,
            Heal::Resume(part) => part.of(shop).service.resume(),
            Heal::RestartRedis => shop.redis.restart().await?,
            Heal::ResumeRedis => shop.redis.resume(),
            Heal::RestartPostgres => shop.postgres.restart().await?,
            Heal::ResumePostgres => shop.postgres.resume(),
            Heal::NewStandby => shop.make_standby().await?,
        }
        Ok(())
    }
}
