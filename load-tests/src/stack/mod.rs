//! Private real servers (Postgres, Redis, S3) and Vitrine's own programs, for tests, benches and the launcher.
//!
//! A test that needs a database only takes a [`TestDatabase`]. A test of the whole shop takes a [`TestStack`] and
//! starts an [`Origin`] and one or more [`Edge`]s on it. Everything that was started ends when its value is dropped,
//! and what a killed run left behind is ended by the next run.

mod binaries;
mod data_dir;
mod database;
mod error;
mod identity;
mod leftovers;
mod pid_file;
mod ports;
mod postgres;
mod postgres_home;
mod process;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod s3;
mod s3_access;
mod s3_bucket;
mod scratch;
mod secrets;
mod service;
mod settings;
mod shop;
mod site;
mod standby;
mod template;
mod test_server;
mod wait;

pub use binaries::{find_binary, workspace_root};
pub use data_dir::DataDir;
pub(crate) use data_dir::write_private;
pub use database::TestDatabase;
pub use error::StackError;
pub use leftovers::end_leftovers;
pub(crate) use pid_file::children_of;
pub use ports::{free_port, require_free};
pub(crate) use postgres::connect;
pub use postgres::{Durability, Postgres};
pub(crate) use postgres_home::remove as remove_cluster;
pub(crate) use process::log_tail;
pub use process::{Program, ServerProcess};
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use s3::{S3, S3Keys};
pub(crate) use s3_bucket::S3Bucket;
pub use scratch::Scratch;
pub use secrets::{Secrets, random_hex};
pub use service::{Launch, Service};
pub use settings::{EdgeSettings, OriginSettings, S3Settings};
pub use shop::{Edge, EdgeOptions, Origin, OriginOptions, TestStack};
pub(crate) use shop::{edge_launch, origin_launch};
pub use site::Site;
pub use standby::{Replication, Standby};
pub use test_server::{POSTGRES_VARIABLE, TEMPLATES_VARIABLE};
pub use wait::wait_until;
