//! What a server needs to speak TLS, read again when its files change.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{error, info};

use crate::changing::Stamp;

use super::{AUTHORITY, ServerSettings, TlsError, authorities, provider, read_identity, unusable};

/// Agrees with clients on TLS. The files are looked at for each of them, and read again when they have changed; what cannot
/// be used then, as a certificate whose key has not come yet, leaves what there was before. Clones share what was read.
#[derive(Clone)]
pub struct Acceptor(Arc<Shared>);

struct Shared {
    settings: ServerSettings,
    last: Mutex<Last>,
}

/// What was read last.
struct Last {
    config: Arc<ServerConfig>,
    /// What the files looked like before they were read.
    stamps: Vec<Option<Stamp>>,
    /// Why they cannot be used any more, if they cannot.
    trouble: Option<String>,
}

impl Acceptor {
    /// Reads what a server needs.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or the key is not that of the certificate.
    pub fn new(settings: &ServerSettings) -> Result<Acceptor, TlsError> {
        let stamps = stamps(settings);
        let last = Last { config: read(settings)?, stamps, trouble: None };
        Ok(Acceptor(Arc::new(Shared { settings: settings.clone(), last: Mutex::new(last) })))
    }

    /// Agrees with a client.
    ///
    /// # Errors
    /// When they do not understand each other.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        TlsAcceptor::from(self.current()).accept(stream).await
    }

    /// What is agreed with the next client.
    pub fn current(&self) -> Arc<ServerConfig> {
        let Shared { settings, last } = &*self.0;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(settings);
        if now == last.stamps {
            return Arc::clone(&last.config);
        }
        let certificate = settings.identity.certificate.display();
        match read(settings) {
            Ok(config) => {
                info!(%certificate, "the files for TLS were read again");
                *last = Last { config, stamps: now, trouble: None };
            }
            Err(failure) => {
                let why = failure.to_string();
                if last.trouble.as_ref() != Some(&why) {
                    error!(%certificate, %why, "the files for TLS cannot be read again: those of before are used on");
                }
                last.trouble = Some(why);
            }
        }
        Arc::clone(&last.config)
    }
}

/// What the files look like; nothing where there is none.
fn stamps(settings: &ServerSettings) -> Vec<Option<Stamp>> {
    let identity = &settings.identity;
    let authority = settings.clients.as_ref().map(|clients| clients.authority.as_path());
    let files = [identity.certificate.as_path(), identity.key.as_path()].into_iter().chain(authority);
    let stamp = |path: &Path| std::fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
    files.map(stamp).collect()
}

fn read(settings: &ServerSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider();
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &settings.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = Arc::new(authorities(&clients.authority)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = match clients.are_required {
                true => verifier.build(),
                false => verifier.allow_unauthenticated().build(),
            };
            let verifier = verifier.map_err(|error| TlsError::Holds {
                path: clients.authority.clone(),
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
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{ClientSettings, Identity, connector};
    use rcgen::{CertificateParams, KeyPair};
    use std::fs;

    /// Writes a certificate of its own authority and the key to it.
    fn write(folder: &Path, name: &str) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.into()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(folder.join("cert.pem"), certificate.pem()).expect("it is written");
        fs::write(folder.join("key.pem"), key.serialize_pem()).expect("it is written");
    }

    /// Whether a client that trusts the certificate in `ca` alone finds one of that name.
    async fn shakes(acceptor: &Acceptor, ca: &Path, name: &str) -> bool {
        let settings = ClientSettings { ca: Some(ca.into()), name: name.into(), identity: None };
        let (connector, name) = connector(&settings).expect("it is right");
        let (client, server) = tokio::io::duplex(1 << 16);
        let (client, server) = tokio::join!(connector.connect(name, client), acceptor.accept(server));
        client.is_ok() && server.is_ok()
    }

    #[tokio::test]
    async fn certificates_are_replaced_while_a_server_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        write(folder.path(), "one.example.com");
        let identity = Identity { certificate: path("cert.pem"), key: path("key.pem") };
        let acceptor = Acceptor::new(&ServerSettings { identity, clients: None }).expect("it is right");
        assert!(shakes(&acceptor, &path("cert.pem"), "one.example.com").await);
        fs::copy(path("cert.pem"), path("old.pem")).expect("it is copied");
        fs::copy(path("key.pem"), path("old-key.pem")).expect("it is copied");
        write(folder.path(), "two.example.com");
        assert!(shakes(&acceptor, &path("cert.pem"), "two.example.com").await);
        assert!(!shakes(&acceptor, &path("old.pem"), "one.example.com").await);
        // The certificate has come, and its key has not.
        fs::copy(path("cert.pem"), path("new.pem")).expect("it is copied");
        fs::copy(path("old.pem"), path("cert.pem")).expect("it is copied");
        assert!(shakes(&acceptor, &path("new.pem"), "two.example.com").await);
        fs::copy(path("old-key.pem"), path("key.pem")).expect("it is copied");
        assert!(shakes(&acceptor, &path("old.pem"), "one.example.com").await);
        fs::remove_file(path("cert.pem")).expect("it is there");
        assert!(shakes(&acceptor, &path("old.pem"), "one.example.com").await);
    }
}
