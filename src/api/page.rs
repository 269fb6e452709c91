//! The web page: `/`, and what it is made of below `/assets/`. At `/api` it shows the document of the API to people.
//!
//! Its files are built from `web/src` by `make web`, kept in `web/dist` and part of the program, so that it asks nobody
//! else for anything. They hold no data: whoever may see the page may see what the API shows them. So they are no routes
//! of the API, and need no role.
//!
//! Names below `/assets/` hold a hash of the contents, and what has a name never changes. The page itself has none, and
//! is asked for each time.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::runtime::control::Control;

use super::problem::{Kind, Problem};

/// The files by name; written by the build of the page.
const FILES: &[(&str, &[u8])] = include!("../../web/dist/files.rs");
/// The file that is the page.
const PAGE: &str = "index.html";

/// What the browser may do on behalf of the page: nothing but talk to where it comes from. No script or style stands
/// in the page itself, and nobody may put it into a frame.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
/// Whoever has a file by its name need not ask for it again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The page is asked for each time, as it names the files of its version.
const EACH_TIME: &str = "no-cache";

/// A file as it is sent.
struct File {
    media: &'static str,
    cache: &'static str,
    plain: &'static [u8],
    /// The same in gzip, for those who can read it.
    packed: Bytes,
}

static SERVED: LazyLock<BTreeMap<&'static str, File>> =
    LazyLock::new(|| FILES.iter().map(|&(name, plain)| (name, File::new(name, plain))).collect());

impl File {
    fn new(name: &'static str, plain: &'static [u8]) -> File {
        let media = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        let cache = if name == PAGE { EACH_TIME } else { FOR_EVER };
        File { media, cache, plain, packed: packed(plain) }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let is_packed = takes_gzip(asked);
        let body = if is_packed { self.packed.clone() } else { Bytes::from_static(self.plain) };
        let mut answer = Response::new(Body::from(body));
        let headers = answer.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, self.media),
            (header::CACHE_CONTROL, self.cache),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }
}

/// What leads requests to the page.
pub fn router() -> Router<Control> {
    Router::new().route("/", get(page)).route("/api", get(page)).route("/assets/{name}", get(asset))
}

async fn page(asked: HeaderMap) -> Result<Response<Body>, Problem> {
    send(PAGE, &asked)
}

async fn asset(Path(name): Path<String>, asked: HeaderMap) -> Result<Response<Body>, Problem> {
    send(&name, &asked)
}

fn send(name: &str, asked: &HeaderMap) -> Result<Response<Body>, Problem> {
    let missing = || {
        let detail =
            "the page has no such file; if the service was replaced by another version, load the page again";
        Problem::new(Kind::NoSuchPath, detail)
    };
    Ok(SERVED.get(name).ok_or_else(missing)?.answer(asked))
}

fn packed(plain: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(plain).expect("writing to memory cannot fail");
    gzip.finish().expect("writing to memory cannot fail").into()
}

/// Whether somebody says that he can read gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let said = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = |part: &str| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        };
        is_gzip && !parts.any(is_refused)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn asking(coding: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, coding.parse().expect("a header"))])
    }

    #[test]
    fn the_page_names_files_that_there_are_and_no_other_host() {
        let page = str::from_utf8(SERVED[PAGE].plain).expect("text");
        let named: Vec<&str> =
            page.split("\"assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(named.len(), FILES.len() - 1, "{named:?}");
        assert!(named.iter().all(|name| SERVED.contains_key(name)), "{named:?}");
        assert!(!page.contains("//"), "{page}");
        // What the policy forbids would not work.
        assert!(
            !page.contains("<style") && page.matches("<script").count() == page.matches("</script>").count()
        );
        assert!(page.split("<script").skip(1).all(|rest| rest.contains("></script>")), "{page}");
    }

    #[test]
    fn what_never_changes_has_a_hash_in_its_name_and_the_page_is_asked_for_each_time() {
        for (name, file) in SERVED.iter() {
            let hash = name.rsplit_once('-').and_then(|(_, rest)| rest.split_once('.')).map(|(hash, _)| hash);
            let is_hash =
                |hash: &str| hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert_eq!(hash.is_some_and(is_hash), file.cache == FOR_EVER, "{name}");
            assert_ne!(file.media, "application/octet-stream", "{name}");
        }
        assert_eq!(SERVED[PAGE].cache, EACH_TIME);
    }

    #[test]
    fn what_is_packed_is_the_same() {
        for (name, file) in SERVED.iter() {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*file.packed).read_to_end(&mut plain).expect("gzip");
            assert_eq!(plain, file.plain, "{name}");
            let answer = file.answer(&asking("gzip, deflate, br"));
            assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
            assert_eq!(answer.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            assert!(!file.answer(&HeaderMap::new()).headers().contains_key(header::CONTENT_ENCODING));
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_say_that_they_read_it() {
        for wanted in ["gzip", "br;q=1.0, GZIP;q=0.2", "deflate , gzip"] {
            assert!(takes_gzip(&asking(wanted)), "{wanted}");
        }
        for unwanted in ["", "br", "gzip;q=0", "gzip; q=0.0, identity", "xgzip"] {
            assert!(!takes_gzip(&asking(unwanted)), "{unwanted}");
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert!(send("main-00000000.js", &HeaderMap::new()).is_err());
        assert!(send("files.rs", &HeaderMap::new()).is_err());
    }
}
