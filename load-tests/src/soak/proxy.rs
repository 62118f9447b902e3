//! The proxy that is soaked: the program that is built beside this one, with little memory.

use std::net::SocketAddr;

use super::SoakOptions;
use crate::stack::{DataDir, Launch, Service, StackError, find_binary, free_port, write_private};

/// A running proxy.
pub(super) struct Proxy {
    pub(super) service: Service,
    pub(super) address: SocketAddr,
}

// === impl Proxy ===

impl Proxy {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(options: &SoakOptions, origin: SocketAddr, data: &DataDir) -> Result<Self, StackError> {
        let address = local()?;
        let ops = local()?;
        let file = data.root().join("soak.toml");
        write_private(&file, &config(options, address, ops, origin))?;
        let launch = Launch {
            name: "soaked".to_owned(),
            binary: find_binary("vitrine-proxy", "VITRINE_PROXY_BIN")?,
            args: vec!["run".to_owned(), "--config".to_owned(), file.display().to_string()],
            env: vec![("VITRINE_LOG".to_owned(), "error".to_owned())],
            folder: data.root().to_owned(),
            namespace: None,
        };
        let service = Service::start(launch, format!("http://{ops}/health/ready"), data).await?;
        Ok(Self { service, address })
    }
}

fn config(options: &SoakOptions, address: SocketAddr, ops: SocketAddr, origin: SocketAddr) -> String {
    format!(
        "edge = \"soak\"\n\
         [listen]\nhttp = \"{address}\"\nops = \"{ops}\"\n\
         [cache]\nmemory = \"{}\"\n\
         [upstreams.origin]\naddresses = [\"{origin}\"]\nread_timeout = \"10s\"\n\
         [[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\nmethods = [\"GET\", \"HEAD\"]\n\
         edge_ttl = \"respect\"\nbrowser_ttl = \"respect\"\n",
        options.memory
    )
}

fn local() -> Result<SocketAddr, StackError> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}
