//! A Redis cluster: a few masters, each with a replica or none.

use std::time::Duration;

use super::redis::Role;
use super::{DataDir, Redis, Site, StackError, free_port, random_hex, wait_until};

/// Slots of a cluster, which every one has.
const SLOTS: usize = 16_384;
/// A node that is silent for so long counts as failing, in milliseconds.
const NODE_TIMEOUT_MS: u32 = 1_000;
/// How long the nodes may take to find each other.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running cluster. Its first `masters` nodes have slots at the start; the others are their replicas, in their order.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes.
    pub nodes: Vec<Redis>,
    masters: usize,
    password: String,
}

// === impl RedisCluster ===

impl RedisCluster {
    /// Starts `masters` masters, and one replica for each of the first `replicas` of them.
    pub async fn start(data: &DataDir, masters: usize, replicas: usize) -> Result<Self, StackError> {
        let password = random_hex(24);
        let mut cluster = Self { nodes: Vec::new(), masters, password };
        let mut buses = Vec::new();
        for index in 0..masters + replicas {
            // Where nothing is said the nodes talk to each other on a port 10,000 above, which may not be free.
            let bus = free_port()?;
            buses.push(bus);
            let role = Role {
                name: format!("redis-node-{index}"),
                password: cluster.password.clone(),
                settings: format!(
                    "masterauth {}\ncluster-enabled yes\ncluster-port {bus}\ncluster-node-timeout {NODE_TIMEOUT_MS}\n\
                     cluster-replica-validity-factor 0\nrepl-diskless-sync-delay 0\n",
                    cluster.password
                ),
                sentinel: false,
            };
            cluster.nodes.push(Redis::start_as(data, &Site::loopback(), &role).await?);
        }
        cluster.join(&buses).await?;
        Ok(cluster)
    }

    async fn join(&self, buses: &[u16]) -> Result<(), StackError> {
        let first = self.nodes[0].address();
        for (index, node) in self.nodes.iter().enumerate() {
            if index > 0 {
                node.ask(&format!("CLUSTER MEET {} {} {}", first.ip(), first.port(), buses[0])).await;
            }
            if index < self.masters {
                let (from, to) = (index * SLOTS / self.masters, (index + 1) * SLOTS / self.masters - 1);
                node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}")).await;
            }
        }
        let met = async || {
            for node in &self.nodes {
                let known = node.ask("CLUSTER INFO").await;
                if !known.is_some_and(|text| text.contains(&format!("cluster_known_nodes:{}", self.nodes.len()))) {
                    return false;
                }
            }
            true
        };
        wait_until("the nodes have met", READY_LIMIT, met).await?;
        for (master, replica) in self.nodes.iter().zip(&self.nodes[self.masters..]) {
            let id = id_of(master).await.unwrap_or_default();
            replica.ask(&format!("CLUSTER REPLICATE {id}")).await;
        }
        wait_until("the cluster is ready", READY_LIMIT, async || self.is_ready().await).await
    }

    /// The address by which clients find all nodes, with the password in it: not for logs.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://:{}@{}", self.password, nodes.join(","))
    }

    /// Which node is master of this key's slot now, as a node says that can be reached.
    pub async fn master_of(&self, key: &str) -> Option<usize> {
        let mut slot = None;
        for node in &self.nodes {
            slot = slot.or(node.ask(&format!("CLUSTER KEYSLOT {key}")).await);
        }
        let slot: u16 = slot?.trim_start_matches(':').trim().parse().ok()?;
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(text) = node.ask("CLUSTER NODES").await else { continue };
            let Some(own) = text.lines().find(|line| line.contains("myself")) else { continue };
            let mut words = own.split(' ');
            let is_master = words.nth(2).is_some_and(|flags| flags.contains("master"));
            // After address, flags, its master, two times, its epoch and the link: the slots.
            let has = words.skip(5).any(|range| {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                from.parse::<u16>().is_ok_and(|from| from <= slot)
                    && to.trim().parse::<u16>().is_ok_and(|to| slot <= to)
            });
            if is_master && has {
                return Some(index);
            }
        }
        None
    }

    /// Moves this key's slot from the node that has it to another master, as resharding does: key by key, while it is served.
    pub async fn move_slot_of(&self, key: &str, to: usize) -> Option<()> {
        let from = self.master_of(key).await?;
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let slot = source.ask(&format!("CLUSTER KEYSLOT {key}")).await?;
        let slot = slot.trim_start_matches(':').trim().to_owned();
        let (source_id, target_id) = (id_of(source).await?, id_of(target).await?);
        target.ask(&format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}")).await?;
        source.ask(&format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}")).await?;
        let address = target.address();
        let (host, port, password) = (address.ip(), address.port(), &self.password);
        source.ask(&format!("MIGRATE {host} {port} {key} 0 5000 REPLACE AUTH {password}")).await?;
        for node in [target, source] {
            node.ask(&format!("CLUSTER SETSLOT {slot} NODE {target_id}")).await?;
        }
        Some(())
    }

    /// Whether this node says that it is a replica, whose link to its master is up.
    pub async fn is_replica(&self, node: usize) -> bool {
        self.nodes[node].is_replica().await
    }

    async fn is_ready(&self) -> bool {
        for (index, node) in self.nodes.iter().enumerate() {
            let state = node.ask("CLUSTER INFO").await;
            if !state.is_some_and(|text| text.contains("cluster_state:ok")) {
                return false;
            }
            if index >= self.masters && !node.is_replica().await {
                return false;
            }
        }
        true
    }
}

async fn id_of(node: &Redis) -> Option<String> {
    // $40, the id
    node.ask("CLUSTER MYID").await?.split("\r\n").nth(1).map(str::to_owned)
}
