//! `cartwright healthcheck`: for images that have no HTTP client of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use super::CliError;
use crate::config::Config;

pub(super) fn run(config: &Config) -> Result<ExitCode, CliError> {
    let url = format!("http://{}/readyz", reachable(config.http.bind));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ready = runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(3))
            .build()?;
        Ok::<_, reqwest::Error>(client.get(&url).send().await?.status().is_success())
    })?;
    Ok(if ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A replica that listens everywhere is asked at home.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let home = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(home, bind.port())
}
