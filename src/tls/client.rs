//! What a client needs to speak TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::{
    CERTIFICATE, ClientSettings, TlsError, authorities, certificates, provider, read_identity, unusable,
};

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
