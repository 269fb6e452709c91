//! Where to send to: a URL that may be a secret, and so is never shown.

use reqwest::Url;
use sha2::{Digest, Sha256};

use crate::secret::{Secret, SecretError};
use crate::sink::DeliveryError;

/// A URL that is looked at anew at each attempt, so that it can be replaced while the service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(pub Secret);

/// Why there is nothing to send to. It does not show what is there instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is something else.
    #[error("what `{key}` says is no URL that can be sent to: one begins with `https://` or `http://`")]
    NoUrl {
        /// The key of the configuration.
        key: String,
    },
}

impl Target {
    /// The URL as it is now.
    ///
    /// # Errors
    /// When it cannot be had, or is none.
    pub fn url(&self) -> Result<Url, TargetError> {
        let Target(secret) = self;
        let text = secret.get()?;
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(url),
            _ => Err(TargetError::NoUrl { key: secret.key().to_owned() }),
        }
    }
}

impl Target {
    /// What tells the receiver at this URL from others, without showing it.
    pub fn receiver(&self) -> Vec<u8> {
        // Without a URL nothing can be sent to anyone.
        self.url().map(|url| Sha256::digest(url.as_str())[..16].to_vec()).unwrap_or_default()
    }
}

impl From<TargetError> for DeliveryError {
    fn from(error: TargetError) -> DeliveryError {
        DeliveryError::NotReady(error.to_string())
    }
}
