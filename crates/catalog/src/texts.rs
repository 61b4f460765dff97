//! Rich text.

use std::sync::LazyLock;

use ammonia::Builder;

/// Most characters of rich text.
pub const MAX_HTML: usize = 50_000;
/// Most tags that rich text may open: to repair what is not closed takes time and space by the square of their number.
pub const MAX_TAGS_OF_HTML: usize = 1_000;

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut sanitiser = Builder::default();
    sanitiser.url_schemes(["http", "https", "mailto", "tel"].into());
    sanitiser
});

/// Takes from HTML what could run, load or disguise something: what is left is safe to put into a page.
///
/// Links are to the web, to mail and to telephones, and tell nobody where they were. What was sanitised stays as it is.
#[must_use]
pub fn sanitise(html: &str) -> String {
    SANITISER.clean(html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_gone_and_the_rest_stays() {
        for (written, safe) in [
            ("<p>Soft <b>wool</b></p>", "<p>Soft <b>wool</b></p>"),
            ("<p onclick=\"x()\">a</p><script>x()</script>", "<p>a</p>"),
            ("<img src=\"javascript:x()\">", "<img>"),
            ("<svg><style><img src=x onerror=x()>", "<img src=\"x\">"),
            (
                "<a href=\"irc://x\">a</a>",
                "<a rel=\"noopener noreferrer\">a</a>",
            ),
            ("a < b & c", "a &lt; b &amp; c"),
            ("<p>unclosed", "<p>unclosed</p>"),
        ] {
            let clean = sanitise(written);
            assert_eq!(clean, safe);
            assert_eq!(sanitise(&clean), clean);
        }
    }
}
