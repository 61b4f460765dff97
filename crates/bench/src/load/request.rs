//! What is sent: a template with random places in it.

use std::io::Write as _;

use clap::{Args, ValueEnum};

use crate::random;

#[derive(Args, Clone)]
pub struct Options {
    #[arg(long, default_value = "GET")]
    method: String,
    /// May hold the places that a body may hold.
    #[arg(long)]
    path: String,
    /// Sent as JSON. `{id}` and `{other}` are two different ids, `{cursor}` is the id as the API writes
    /// where a page begins, `{user}` is one of the users.
    #[arg(long)]
    body: Option<String>,
    /// Ids to choose from, both ends included.
    #[arg(long, default_value = "1..1", value_parser = range)]
    ids: Range,
    #[arg(long, default_value = "2..2", value_parser = range)]
    users: Range,
    /// What to send as Idempotency-Key.
    #[arg(long, value_enum, default_value_t = Keys::None)]
    keys: Keys,
    /// Loads with different seeds send different requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keys {
    None,
    /// One for each request.
    Fresh,
    /// Always the same, with the same request.
    Same,
}

/// First and last.
type Range = (u64, u64);

fn range(text: &str) -> Result<Range, String> {
    let parsed = text
        .split_once("..")
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match parsed {
        Some((first, last)) if first <= last => Ok((first, last)),
        _ => Err("FIRST..LAST".into()),
    }
}

/// A request whose random places are filled by its index.
pub struct Template {
    options: Options,
    head: String,
    path: Vec<Piece>,
    body: Vec<Piece>,
    /// Makes keys differ from those of other runs.
    run: u128,
}

enum Piece {
    Text(String),
    Id,
    Other,
    Cursor,
    User,
}

impl Template {
    /// For requests to `host`.
    pub fn new(options: &Options, host: &str) -> Self {
        let run = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_nanos());
        Self {
            head: format!(" HTTP/1.1\r\nHost: {host}\r\n"),
            path: pieces(&options.path),
            body: pieces(options.body.as_deref().unwrap_or_default()),
            options: options.clone(),
            run,
        }
    }

    /// Writes the request with this index.
    pub fn write(&self, index: u64, request: &mut Vec<u8>) {
        let index = match self.options.keys {
            Keys::Same => 0,
            Keys::None | Keys::Fresh => index,
        };
        request.clear();
        request.extend_from_slice(self.options.method.as_bytes());
        request.push(b' ');
        self.fill(&self.path, index, request);
        request.extend_from_slice(self.head.as_bytes());
        // Writing to a Vec cannot fail.
        if self.options.keys != Keys::None {
            let _ = write!(
                request,
                "Idempotency-Key: bench-{:x}-{index:016x}\r\n",
                self.run
            );
        }
        if self.options.body.is_some() {
            let mut body = Vec::with_capacity(256);
            self.fill(&self.body, index, &mut body);
            let length = body.len();
            let _ = write!(
                request,
                "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            );
            request.extend_from_slice(&body);
        } else {
            request.extend_from_slice(b"\r\n");
        }
    }

    fn fill(&self, pieces: &[Piece], index: u64, text: &mut Vec<u8>) {
        let (first, last) = self.options.ids;
        let (seed, count) = (self.options.seed, last - first + 1);
        let id = random::below(seed, index, count);
        for piece in pieces {
            let number = match piece {
                Piece::Text(piece) => {
                    text.extend_from_slice(piece.as_bytes());
                    continue;
                }
                Piece::Id => first + id,
                Piece::Cursor => {
                    let _ = write!(text, "c{:016x}", first + id);
                    continue;
                }
                Piece::Other if count == 1 => first,
                Piece::Other => {
                    let step = 1 + random::below(seed ^ 1, index, count - 1);
                    first + (id + step) % count
                }
                Piece::User => {
                    let (first, last) = self.options.users;
                    first + random::below(seed ^ 2, index, last - first + 1)
                }
            };
            let _ = write!(text, "{number}");
        }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let places = [
            ("{id}", Piece::Id),
            ("{other}", Piece::Other),
            ("{cursor}", Piece::Cursor),
            ("{user}", Piece::User),
        ];
        let next = places
            .into_iter()
            .filter_map(|(name, piece)| Some((rest.find(name)?, name.len(), piece)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, length, piece)) = next else {
            break;
        };
        pieces.push(Piece::Text(rest[..at].to_owned()));
        pieces.push(piece);
        rest = &rest[at + length..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(ids: Range, keys: Keys) -> Template {
        let options = Options {
            method: "POST".into(),
            path: "/api/orders".into(),
            body: Some(r#"{"userId":{user},"productIds":[{id},{other}]}"#.into()),
            ids,
            users: (7, 7),
            keys,
            seed: 1,
        };
        Template::new(&options, "shop:80")
    }

    fn written(template: &Template, index: u64) -> String {
        let mut request = Vec::new();
        template.write(index, &mut request);
        String::from_utf8(request).unwrap()
    }

    #[test]
    fn places_are_filled_and_the_length_is_that_of_the_body() {
        let request = written(&template((5, 6), Keys::None), 3);
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("POST /api/orders HTTP/1.1\r\nHost: shop:80\r\n"),
            "{head}"
        );
        assert!(
            head.ends_with(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        let sorted = [
            "{\"userId\":7,\"productIds\":[5,6]}",
            "{\"userId\":7,\"productIds\":[6,5]}",
        ];
        assert!(sorted.contains(&body), "{body}");
    }

    #[test]
    fn a_key_is_new_for_each_request_or_the_same_for_all() {
        let fresh = template((1, 9), Keys::Fresh);
        assert_ne!(written(&fresh, 1), written(&fresh, 2));
        let same = template((1, 9), Keys::Same);
        assert_eq!(written(&same, 1), written(&same, 2));
    }
}
