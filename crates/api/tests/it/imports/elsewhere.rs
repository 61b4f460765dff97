//! Another server, and a shop that trusts it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::Cluster;

/// A shop that also fetches from this machine.
pub fn trusting() -> &'static Cluster {
    static TRUSTING: OnceLock<Cluster> = OnceLock::new();
    TRUSTING.get_or_init(|| {
        let settings = [
            ("MEDIA__FETCH_PRIVATE", "true"),
            ("MEDIA__MAX_BYTES", "20000"),
        ];
        Cluster::with_settings("open", 2, &settings)
    })
}

/// The first line and headers of an answer, and its body.
pub type Page = (&'static str, Vec<u8>);

/// Another server, whose every answer is said before.
pub struct Elsewhere {
    pub address: String,
    pages: Arc<Mutex<HashMap<String, Vec<Page>>>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Elsewhere {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let pages: Arc<Mutex<HashMap<String, Vec<Page>>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, told) = (Arc::clone(&pages), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match socket.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                told.lock().expect("whole").push(path.clone());
                let (first, body) = {
                    let mut known = known.lock().expect("whole");
                    match known.get_mut(&path) {
                        None => ("404 Not Found", Vec::new()),
                        // The last one stays.
                        Some(pages) if pages.len() > 1 => pages.remove(0),
                        Some(pages) => pages[0].clone(),
                    }
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {first}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = socket.write_all(head.as_bytes()).await;
                let _ = socket.write_all(&body).await;
            }
        });
        Self {
            address,
            pages,
            asked,
            task,
        }
    }

    /// Answers so under a path, one after the other; the last answer stays. Returns the address.
    pub fn says(&self, path: &str, answers: Vec<Page>) -> String {
        let mut pages = self.pages.lock().expect("whole");
        pages.insert(path.to_owned(), answers);
        format!("{}{path}", self.address)
    }

    pub fn has(&self, path: &str, body: Vec<u8>) -> String {
        self.says(path, vec![("200 OK", body)])
    }

    pub fn asked(&self, path: &str) -> usize {
        let asked = self.asked.lock().expect("whole");
        asked.iter().filter(|one| *one == path).count()
    }
}

/// What it is asked.
impl Elsewhere {
    /// What it says under a path by now.
    pub fn body(&self, path: &str) -> Vec<u8> {
        self.pages.lock().expect("whole")[path][0].1.clone()
    }

    pub fn asked_in_all(&self) -> usize {
        self.asked.lock().expect("whole").len()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}
