//! What a client's certificate says of who it is.
//!
//! That the certificate is genuine, of a trusted authority and not expired was seen when the connection was encrypted.

use std::fmt;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::role::Role;

/// What a certificate says of whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The parts of the subject, such as `("CN", "grafana")`.
    pub subject: Vec<(String, String)>,
    /// DNS names.
    pub dns: Vec<String>,
    /// URIs, such as `spiffe://example.com/grafana`.
    pub uris: Vec<String>,
}

/// By what a certificate is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Its whole subject: it has these parts, in any order, and no others.
    Subject(Vec<(String, String)>),
    /// One of its DNS names.
    Dns(String),
    /// One of its URIs.
    Uri(String),
}

/// Somebody who is known by a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// By what.
    pub mark: Mark,
    /// What they may do.
    pub role: Role,
}

impl Certificate {
    /// Of the bytes of a certificate.
    ///
    /// # Errors
    /// When it is none that can be read.
    pub fn read(der: &[u8]) -> Result<Certificate, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let mut read = Certificate::default();
        for attribute in certificate.subject().iter_attributes() {
            let name = short_name(&attribute.attr_type().to_id_string())
                .map_or_else(|| attribute.attr_type().to_id_string(), str::to_owned);
            let value = attribute.as_str().map_err(|error| error.to_string())?;
            read.subject.push((name, value.to_owned()));
        }
        let names = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => read.dns.push((*name).to_owned()),
                GeneralName::URI(uri) => read.uris.push((*uri).to_owned()),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The usual short name of a part of a subject.
fn short_name(id: &str) -> Option<&'static str> {
    Some(match id {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "EMAIL",
        _ => return None,
    })
}

impl Mark {
    /// Reads a subject: `CN=grafana, O=Example`. A backslash stands before a comma or a backslash that is part of a value.
    ///
    /// # Errors
    /// When it is none.
    pub fn subject(text: &str) -> Result<Mark, String> {
        let mut parts: Vec<String> = vec![String::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ',' => parts.push(String::new()),
                _ => {
                    let letter = if letter == '\\' {
                        letters.next().ok_or("it ends with a backslash")?
                    } else {
                        letter
                    };
                    parts.last_mut().expect("there is always one").push(letter);
                }
            }
        }
        let part = |part: String| {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("`{}` has no `=`", part.trim()))?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim());
            if name.is_empty() || value.is_empty() {
                Err(format!("`{}` has an empty side", part.trim()))
            } else {
                Ok((name, value.to_owned()))
            }
        };
        parts.into_iter().map(part).collect::<Result<Vec<_>, String>>().map(Mark::Subject)
    }

    /// Whether a certificate has it.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Mark::Subject(parts) => {
                let sorted = |parts: &[(String, String)]| {
                    let mut parts = parts.to_vec();
                    parts.sort_unstable();
                    parts
                };
                !parts.is_empty() && sorted(parts) == sorted(&certificate.subject)
            }
            Mark::Dns(name) => certificate.dns.iter().any(|own| own.eq_ignore_ascii_case(name)),
            Mark::Uri(uri) => certificate.uris.contains(uri),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mark::Subject(parts) => f.write_str(&subject(parts)),
            Mark::Dns(name) | Mark::Uri(name) => f.write_str(name),
        }
    }
}

/// As it stands in the configuration.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.uris.iter().chain(&self.dns).map(String::as_str);
        let subject = subject(&self.subject);
        let all: Vec<&str> =
            std::iter::once(subject.as_str()).filter(|text| !text.is_empty()).chain(names).collect();
        f.write_str(&all.join("; "))
    }
}

fn subject(parts: &[(String, String)]) -> String {
    let part = |(name, value): &(String, String)| {
        format!("{name}={}", value.replace('\\', "\\\\").replace(',', "\\,"))
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate() -> Certificate {
        let mut params = CertificateParams::new(vec!["grafana.example.com".into()]).expect("a name");
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(DnType::CommonName, "grafana");
        let uri = "spiffe://example.com/grafana".try_into().expect("a URI");
        params.subject_alt_names.push(SanType::URI(uri));
        let key = KeyPair::generate().expect("a key");
        Certificate::read(params.self_signed(&key).expect("a certificate").der()).expect("it can be read")
    }

    #[test]
    fn a_certificate_is_known_by_its_whole_subject_or_by_a_name() {
        let certificate = certificate();
        let said = certificate.to_string();
        assert!(
            said.ends_with(";  spiffe://example.com/grafana; grafana.example.com".trim_start_matches(";  ")),
            "{said}"
        );
        let subject = |text: &str| Mark::subject(text).expect(text).is_of(&certificate);
        assert!(subject("CN=grafana,O=Example\\, Inc."));
        assert!(subject(" o = Example\\, Inc. , cn = grafana "), "in any order");
        for wrong in ["CN=grafana", "CN=Grafana,O=Example\\, Inc.", "CN=grafana,O=Example\\, Inc.,C=DE"] {
            assert!(!subject(wrong), "{wrong}");
        }
        assert!(Mark::Dns("Grafana.example.com".into()).is_of(&certificate));
        assert!(!Mark::Dns("example.com".into()).is_of(&certificate));
        assert!(Mark::Uri("spiffe://example.com/grafana".into()).is_of(&certificate));
        assert!(!Mark::Uri("spiffe://example.com/".into()).is_of(&certificate));
        assert!(!Mark::Subject(Vec::new()).is_of(&Certificate::default()), "no subject is nobody's");
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for wrong in ["", "grafana", "CN=", "=grafana", "CN=a,,O=b", "CN=a\\"] {
            assert!(Mark::subject(wrong).is_err(), "{wrong}");
        }
        let mark = Mark::subject("CN=a\\,b\\\\,O=c").expect("a subject");
        assert_eq!(mark.to_string(), "CN=a\\,b\\\\,O=c");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Certificate::read(b"no").is_err());
    }
}
