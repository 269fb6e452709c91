//! TLS, as the server and as the client, with rustls.
//!
//! Enters: PEM files, read and checked. Leaves: encrypted connections, or why there is none in words for people. TLS 1.2
//! and 1.3, with the cryptography of ring. A [`server`] reads its files again when they change, a [`client`] reads them
//! once, at the start.

mod bytes;
mod client;
mod server;
mod words;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, RootCertStore};

pub use bytes::Bytes;
pub use client::{connector, pinned};
pub use server::Acceptor;
pub use words::{no_agreement, reason};

/// A certificate with its chain, and the key to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The PEM file of the certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The PEM file of the private key.
    pub key: PathBuf,
}

/// How a server speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// What it shows.
    pub identity: Identity,
    /// Who may vouch for clients, if these are to show a certificate.
    pub clients: Option<ClientAuthority>,
}

/// Who may vouch for the clients of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthority {
    /// The PEM file of the authorities.
    pub authority: PathBuf,
    /// Whether a client has to show a certificate; otherwise it may.
    pub are_required: bool,
}

/// How a client speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The PEM file of the authorities that may vouch for the server; otherwise those of the system.
    pub ca: Option<PathBuf>,
    /// The name that the server's certificate must have.
    pub name: String,
    /// What the client shows when the server asks.
    pub identity: Option<Identity>,
}

/// Why TLS cannot be spoken with what the files hold.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is there but holds something else.
    #[error("`{}` holds no {what}: {why}", path.display())]
    Holds {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key `{}` does not fit the certificate `{}`; the first certificate of that file must be the one of the key",
        identity.key.display(),
        identity.certificate.display()
    )]
    Mismatch {
        /// The two files.
        identity: Identity,
    },
    /// The certificate or the key is of a kind that cannot be used.
    #[error("`{}` with `{}` cannot be used: {error}", identity.certificate.display(), identity.key.display())]
    Unusable {
        /// The two files.
        identity: Identity,
        /// Why.
        error: rustls::Error,
    },
    /// The name cannot stand in a certificate.
    #[error("`{0}` is neither a host name nor an IP address; `tls_name` says whom to expect")]
    Name(String),
    /// The system has no authorities.
    #[error("the system has no certificate authorities{0}; name a file of them with `tls_ca`")]
    NoRoots(String),
    /// A library refuses the settings.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

const AUTHORITY: &str = "certificate of an authority";
const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";

fn read_identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(&identity.certificate, CERTIFICATE)?;
    let bytes = read(&identity.key)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let locked = bytes.windows(10).any(|window| window == b"ENCRYPTED ");
        let why = match error {
            PemError::NoItemsFound if locked => "a key that is locked by a password cannot be used".into(),
            error => words(&error),
        };
        TlsError::Holds { path: identity.key.clone(), what: KEY, why }
    })?;
    Ok((chain, key))
}

fn unusable(identity: &Identity, error: rustls::Error) -> TlsError {
    let identity = identity.clone();
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch { identity },
        error => TlsError::Unusable { identity, error },
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, AUTHORITY)? {
        roots.add(certificate).map_err(|error| TlsError::Holds {
            path: path.to_path_buf(),
            what: AUTHORITY,
            why: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let read: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = read.and_then(|all| if all.is_empty() { Err(PemError::NoItemsFound) } else { Ok(all) });
    found.map_err(|error| TlsError::Holds { path: path.to_path_buf(), what, why: words(&error) })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.to_path_buf(), error })
}

/// What is wrong with a PEM file.
fn words(error: &PemError) -> String {
    match error {
        PemError::NoItemsFound => "it has no such section in PEM form (`-----BEGIN …-----`)".into(),
        PemError::MissingSectionEnd { .. } => "a section of it does not end".into(),
        PemError::Base64Decode(_) => "a section of it is not base64".into(),
        error => error.to_string(),
    }
}
