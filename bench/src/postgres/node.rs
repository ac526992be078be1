//! A node of the release binary.

use std::path::Path;

use private_postgres::Server as Database;

use crate::Outcome;
use crate::delivery::Sink;
use crate::servers::{Cores, SECRET, Server};

/// A node that runs.
pub(super) struct Node {
    pub(super) server: Server,
}

impl Node {
    /// Starts one that prepares no statements, as it is by itself.
    pub(super) fn start(folder: &Path, name: &str, database: &Database, sink: &Sink) -> Outcome<Self> {
        Self::start_with(folder, name, &format!("{}?sslmode=disable", database.url()), sink)
    }

    /// Starts one on this address. While the sink holds its answers, one request in flight in all is enough to hold everything
    /// up.
    pub(super) fn start_with(folder: &Path, name: &str, store: &str, sink: &Sink) -> Outcome<Self> {
        let own = folder.join(name);
        drop(std::fs::remove_dir_all(&own));
        std::fs::create_dir_all(&own)?;
        let in_flight_max = if sink.holds() { 1 } else { 1_024 };
        let config = format!(
            "store = '{store}'\nsecrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n\
             [logs]\nlevel = 'warn'\n[[apps]]\nname = 'main'\nverify_token = 'bench'\nsecrets = ['{SECRET}']\n\
             [outbound]\nallow_networks = ['127.0.0.0/8']\nin_flight_max = {in_flight_max}\n[[endpoints]]\n\
             name = 'one'\nurl = 'http://{}/'\nhub_secret = 'bench'\nconcurrency_max = 64\n",
            sink.at
        );
        std::fs::write(own.join("waypost.toml"), config)?;
        Ok(Self { server: Server::waypost_on(&own, Cores::All)? })
    }
}
