//! What went wrong with TLS, in words for people.

use std::io;

use rustls::{AlertDescription, CertificateError};

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
