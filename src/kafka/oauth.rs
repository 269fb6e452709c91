//! Tokens for SASL OAUTHBEARER, by the client credentials grant of OAuth 2 (RFC 6749, section 4.4).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::client::OAuthToken;
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::secret::{Secret, SecretError};

/// How long the server may take to give a token.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const MOST: usize = 64 << 10;
/// A token of which the server does not say how long it holds is asked for again after this time.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// The token endpoint of the server.
    pub token_url: Url,
    /// Who asks.
    pub client_id: String,
    /// How that is proved.
    pub client_secret: Secret,
    /// What the token is to be good for, if the server wants to know.
    pub scope: Option<String>,
}

/// There is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A secret is not there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The server was not reached, or answered with something else.
    #[error("no token for Kafka from the server at `{host}`: {why}")]
    Server {
        /// The host of the server.
        host: String,
        /// What is wrong.
        why: String,
    },
}

/// What a server answers (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

/// What of a token that is a JWT (RFC 7519) says whose it is, and until when.
#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<u64>,
}

impl OAuth {
    /// Asks for a token.
    ///
    /// # Errors
    /// When there is none.
    pub async fn token(&self) -> Result<OAuthToken, TokenError> {
        let secret = self.client_secret.get()?;
        let failed = |why: String| TokenError::Server {
            host: self.token_url.host_str().unwrap_or_default().to_owned(),
            why,
        };
        let client = client().map_err(|error| failed(error.to_string()))?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let request = client
            .post(self.token_url.clone())
            .basic_auth(&self.client_id, Some(&*secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish());
        let mut response = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
        if !response.status().is_success() {
            return Err(failed(format!("it answered {}", response.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(piece) =
            response.chunk().await.map_err(|error| failed(error.without_url().to_string()))?
        {
            if body.len() + piece.len() > MOST {
                return Err(failed(format!("its answer is longer than {MOST} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        // Nothing of the answer is shown: it may hold a token.
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| failed("its answer is no token".into()))?;
        Ok(token(answer, &self.client_id, SystemTime::now()))
    }
}

fn client() -> reqwest::Result<Client> {
    // The first caller decides which implementation of TLS the process uses; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
}

/// The token of an answer that came at `now`, in the form of the library.
fn token(answer: Answer, client_id: &str, now: SystemTime) -> OAuthToken {
    let claims = claims(&answer.access_token).unwrap_or_default();
    let lifetime = answer.expires_in.map_or(DEFAULT_LIFETIME, Duration::from_secs);
    let until = match claims.exp {
        Some(seconds) => Duration::from_secs(seconds),
        None => now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(lifetime),
    };
    OAuthToken {
        token: answer.access_token,
        principal_name: claims.sub.unwrap_or_else(|| client_id.to_owned()),
        lifetime_ms: i64::try_from(until.as_millis()).unwrap_or(i64::MAX),
    }
}

/// What the token says of itself, if it is a JWT. Whether that is true is for the broker to judge.
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_as_long_as_it_or_its_server_says() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let jwt = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(r#"{"sub":"me","exp":5000}"#));
        let of = |access_token: &str, expires_in| {
            let token = token(Answer { access_token: access_token.into(), expires_in }, "client", now);
            (token.principal_name, token.lifetime_ms)
        };
        assert_eq!(of(&jwt, Some(60)), ("me".into(), 5_000_000));
        assert_eq!(of("opaque", Some(60)), ("client".into(), 1_060_000));
        assert_eq!(of("opaque", None), ("client".into(), 1_300_000));
        assert_eq!(of("a.!.b", Some(u64::MAX)), ("client".into(), i64::MAX));
    }
}
