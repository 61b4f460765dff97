//! HTTP/1.1 over one kept connection: enough for the answers of our own servers, and nothing more.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that sends one request after the other.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A whole answer.
pub struct Answer<'c> {
    pub status: u16,
    /// Header lines without the status line, each ended by CRLF.
    pub head: &'c str,
    pub body: &'c [u8],
    /// Whether the server closes the connection after this.
    pub closes: bool,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request and reads its answer. After an error the connection is of no more use.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or the answer is not of the expected form.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head_ends = loop {
            self.receive().await?;
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at;
            }
        };
        let head = Head::parse(&self.received[..head_ends + 2])?;
        let begins = head_ends + 4;
        let ends = begins + head.length;
        let Head { status, closes, .. } = head;
        while self.received.len() < ends {
            self.receive().await?;
        }
        let head = std::str::from_utf8(&self.received[..head_ends + 2]).map_err(strange)?;
        Ok(Answer {
            status,
            head: head.split_once("\r\n").map_or("", |(_, lines)| lines),
            body: &self.received[begins..ends],
            closes,
        })
    }

    async fn receive(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

struct Head {
    status: u16,
    /// Bytes of the body.
    length: usize,
    closes: bool,
}

impl Head {
    fn parse(head: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(head).map_err(strange)?;
        let mut lines = text.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .ok_or_else(|| strange("no status line"))?;
        let mut parsed = Self {
            status,
            length: 0,
            closes: false,
        };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                parsed.length = value.parse().map_err(strange)?;
            } else if name.eq_ignore_ascii_case("connection") {
                parsed.closes = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(strange("a body without a length"));
            }
        }
        if status == 304 || status == 204 {
            parsed.length = 0;
        }
        Ok(parsed)
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

fn strange(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_length_and_whether_the_connection_stays() {
        let head = Head::parse(b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\n").unwrap();
        assert_eq!((head.status, head.length, head.closes), (201, 12, false));

        let head = Head::parse(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n").unwrap();
        assert_eq!((head.status, head.length), (304, 0));

        let head = Head::parse(b"HTTP/1.1 503 Busy\r\nConnection: close\r\n").unwrap();
        assert!(head.closes);
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n").is_err());
        assert!(Head::parse(b"SSH-2.0\r\n").is_err());
    }
}
