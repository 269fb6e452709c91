//! TLS for sources over TCP, as the server and as the client.
//!
//! Enters: PEM files, read and checked once, at the start. Leaves: encrypted connections, or why
//! there is none in words for people. TLS 1.2 and 1.3, with the cryptography of ring.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, InconsistentKeys, RootCertStore,
    ServerConfig, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector};

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
    /// The PEM file of the authorities of which clients must show a certificate, if they must.
    pub client_ca: Option<PathBuf>,
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

/// Reads what a server needs.
///
/// # Errors
/// When a file cannot be read, holds something else, or the key is not that of the certificate.
pub fn acceptor(settings: &ServerSettings) -> Result<TlsAcceptor, TlsError> {
    let provider = provider();
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|error| TlsError::Holds {
                path: path.clone(),
                what: AUTHORITY,
                why: error.to_string(),
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let identity = &settings.identity;
    let (chain, key) = read_identity(identity)?;
    let mut config = builder.with_single_cert(chain, key).map_err(|error| unusable(identity, error))?;
    // Clients of a source only write. Tickets for later sessions would be left unread, and who closes a
    // connection with something unread resets it, which loses what was still on its way here.
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Reads what a client needs. The name is the one that the server must show.
///
/// # Errors
/// When a file cannot be read, holds something else, or the key is not that of the certificate.
pub fn connector(settings: &ClientSettings) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
    let name = ServerName::try_from(settings.name.clone());
    let name = name.map_err(|_| TlsError::Name(settings.name.clone()))?;
    let roots = match &settings.ca {
        Some(path) => authorities(path)?,
        None => authorities_of_the_system()?,
    };
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = builder.with_root_certificates(roots);
    let config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = read_identity(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable(identity, error))?
        }
    };
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// What a client needs that trusts one certificate, the first of this PEM file, and no other, whoever
/// vouches for it: that of a server of the same configuration.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn pinned(certificate: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let chain = certificates(certificate, CERTIFICATE)?;
    let certificate = chain.into_iter().next().expect("a file without certificates is an error");
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(Pinned { certificate, provider });
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Accepts one certificate, of whoever proves that the key to it is theirs.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *certificate == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
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

fn authorities_of_the_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Those that cannot be used are passed over, as all programs do: a system has odd ones.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(" ({error})"));
        return Err(TlsError::NoRoots(why.unwrap_or_default()));
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

/// Why a handshake failed.
pub fn no_agreement(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the other side went away".into(),
        _ => reason(error),
    }
}

/// Why the sides do not understand each other.
pub fn reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => "what the other side sends is not TLS".into(),
        Some(rustls::Error::NoCertificatesPresented) => "the other side shows no certificate".into(),
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("the certificate of the other side is not accepted: {}", not_accepted(why))
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the other side refuses: {}", refusal(*alert))
        }
        Some(error) => error.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the other side went away without the farewell that TLS asks for".into()
        }
        None => error.to_string(),
    }
}

fn not_accepted(why: &CertificateError) -> String {
    match why {
        CertificateError::ApplicationVerificationFailure => "it is not the one that is expected".into(),
        CertificateError::UnknownIssuer => "it is of an authority that is not trusted".into(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".into()
        }
        CertificateError::NotValidForName => "it is for another name".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("it is for {}, not for {}", presented.join(", "), expected.to_str())
        }
        why => why.to_string(),
    }
}

fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "it does not trust the authority of this side's certificate".into(),
        AlertDescription::CertificateExpired => "this side's certificate has expired".into(),
        AlertDescription::CertificateRequired => "it demands a certificate".into(),
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept this side's certificate".into()
        }
        alert => format!("{alert:?}"),
    }
}

/// An encrypted connection, of which is only read.
pub struct Bytes<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Bytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.0).poll_read(context, buffer));
        Poll::Ready(read.map_err(|error| io::Error::new(error.kind(), reason(&error))))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Bytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
