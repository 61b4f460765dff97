//! `cartwright healthcheck`: for images that have no HTTP client of their own.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::CliError;
use crate::config::Config;

/// For each step of the exchange.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(config: &Config) -> Result<ExitCode, CliError> {
    let status = ask(reachable(config.http.bind))?;
    // RFC 9112, section 4: `HTTP/1.1 200 OK`.
    let is_ready = status.split(' ').nth(1) == Some("200");
    Ok(if is_ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The status line of the answer. An HTTP client would be a good part of the binary, for this.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    Ok(status)
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
