//! The wire between a replica and what it needs, as a TCP proxy of our own: netem is not everywhere.
//!
//! A black hole holds bytes back, as a network that drops packets does to TCP: they arrive once it
//! heals. Keep-alive probes of the kernel end at the proxy, though, so the proxy itself does what
//! they would do and resets a connection that was cut for [`KEEPALIVE`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::{Fallible, doing};

/// What 5 s idle and three probes every 2 s come to: the settings that replicas ask Postgres for.
pub const KEEPALIVE: Duration = Duration::from_secs(11);

/// How the wire behaves. The default is a good wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Nothing of what the replica says arrives.
    pub is_deaf: bool,
    /// Nothing of what is said to the replica arrives.
    pub is_mute: bool,
    /// How long each piece takes, per direction.
    pub latency: Duration,
    /// Bytes a second and direction; 0 is no limit.
    pub bandwidth: u32,
    /// Grows with each reset: connections made before are cut off.
    pub resets: u32,
}

/// A wire to one port, and the handle to spoil it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    wire: watch::Sender<Wire>,
}

impl Proxy {
    /// Starts to carry connections to a port of this machine.
    pub fn to(target: u16, runtime: &Handle) -> Fallible<Self> {
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", 0)))
            .map_err(doing("a proxy"))?;
        let port = listener.local_addr().map_err(doing("a proxy"))?.port();
        let (wire, state) = watch::channel(Wire::default());
        let target = Arc::new(AtomicU16::new(target));
        let leads_to = Arc::clone(&target);
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let target = leads_to.load(Ordering::Relaxed);
                tokio::spawn(carry(near, target, state.clone()));
            }
        });
        Ok(Self { port, target, wire })
    }

    /// Where the replica connects.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads connections that come from now on to another port, as an address does that follows a service.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::Relaxed);
    }

    /// Changes the wire; connections that are open feel it at once.
    pub fn set(&self, change: impl FnOnce(&mut Wire)) {
        self.wire.send_modify(change);
    }

    /// Makes it a good wire again.
    pub fn heal(&self) {
        self.set(|wire| {
            *wire = Wire {
                resets: wire.resets,
                ..Wire::default()
            }
        });
    }
}

async fn carry(near: TcpStream, target: u16, mut state: watch::Receiver<Wire>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else {
        let _ = near.set_zero_linger();
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let resets = state.borrow_and_update().resets;
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let there = pump(near_in, far_out, (state.clone(), resets), |wire| {
        wire.is_deaf
    });
    let back = pump(far_in, near_out, (state, resets), |wire| wire.is_mute);
    // The first that is cut off ends the other.
    let _ = tokio::try_join!(there, back);
}

/// The wire was cut; both ends get a reset.
struct Cut;

/// Carries one direction until it ends.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    (mut state, resets): (watch::Receiver<Wire>, u32),
    is_spoilt: fn(&Wire) -> bool,
) -> Result<(), Cut> {
    let mut reset = state.clone();
    let carry = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => break,
            };
            let open =
                tokio::time::timeout(KEEPALIVE, state.wait_for(|wire| !is_spoilt(wire))).await;
            let wire = *open.map_err(|_| Cut)?.map_err(|_| Cut)?;
            if !wire.latency.is_zero() {
                tokio::time::sleep(wire.latency).await;
            }
            let per_byte = 1_000_000_000_u64.checked_div(wire.bandwidth.into());
            if let (Some(per_byte), Ok(bytes)) = (per_byte, u64::try_from(read)) {
                tokio::time::sleep(Duration::from_nanos(per_byte * bytes)).await;
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
        Ok(())
    };
    let outcome = tokio::select! {
        outcome = carry => outcome,
        _ = reset.wait_for(|wire| wire.resets != resets) => Err(Cut),
    };
    if outcome.is_err() {
        let _ = (
            from.as_ref().set_zero_linger(),
            to.as_ref().set_zero_linger(),
        );
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends everything back, and a wire to it.
    async fn echo() -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        let runtime = Handle::current();
        tokio::task::block_in_place(|| Proxy::to(port, &runtime)).unwrap()
    }

    async fn ask(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
        stream.write_all(text.as_bytes()).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await?;
        Ok(String::from_utf8(answer).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_black_hole_holds_back_and_lets_go() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        assert_eq!(ask(&mut stream, "before").await.unwrap(), "before");

        for spoil in [
            |wire: &mut Wire| wire.is_deaf = true,
            |wire: &mut Wire| wire.is_mute = true,
        ] {
            proxy.set(spoil);
            let cut =
                tokio::time::timeout(Duration::from_millis(80), ask(&mut stream, "during")).await;
            assert!(cut.is_err(), "{cut:?}");
            proxy.heal();
            let mut late = [0; 6];
            stream.read_exact(&mut late).await.unwrap();
            assert_eq!(&late, b"during");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reset_cuts_what_is_open_and_nothing_later() {
        let proxy = echo().await;
        let mut old = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        assert_eq!(ask(&mut old, "hello").await.unwrap(), "hello");
        proxy.set(|wire| wire.resets += 1);
        assert!(ask(&mut old, "again").await.is_err());
        let mut new = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        assert_eq!(ask(&mut new, "hello").await.unwrap(), "hello");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn latency_and_bandwidth_take_their_time() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        proxy.set(|wire| wire.latency = Duration::from_millis(40));
        let started = std::time::Instant::now();
        assert_eq!(ask(&mut stream, "slow").await.unwrap(), "slow");
        assert!(started.elapsed() >= Duration::from_millis(80));
        proxy.set(|wire| {
            *wire = Wire {
                bandwidth: 1_000,
                resets: wire.resets,
                ..Wire::default()
            }
        });
        let started = std::time::Instant::now();
        assert_eq!(ask(&mut stream, &"x".repeat(50)).await.unwrap().len(), 50);
        assert!(started.elapsed() >= Duration::from_millis(100));
    }
}
