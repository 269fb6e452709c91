//! Certificates for tests, made anew each time.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::harness::Folder;

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// For when a certificate is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    Now,
    Expired,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    /// Its certificate in PEM form.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `localhost` and the key to it, in PEM form.
    pub fn certify(&self, valid: Valid) -> (String, String) {
        let mut params = CertificateParams::new(["localhost".into()]).expect("a name");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if valid == Valid::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it is signed");
        (certificate.pem(), key.serialize_pem())
    }

    /// Puts its certificate, and one for `localhost`, into a folder: `NAME-ca.pem`, `NAME.pem` and
    /// `NAME.key`.
    pub fn write(&self, folder: &Folder, name: &str, valid: Valid) {
        let (certificate, key) = self.certify(valid);
        folder.write(&format!("{name}-ca.pem"), self.pem());
        folder.write(&format!("{name}.pem"), certificate);
        folder.write(&format!("{name}.key"), key);
    }
}
