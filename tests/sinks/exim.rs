//! Exim, a server for mail, on this machine alone and with files of its own.
//!
//! It insists on a user of its own, which need not be there: a library between it and the system tells it of one
//! (`libnss-wrapper`, made for tests like these).

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::certificates::{Authority, Valid};
use crate::daemon::{self, Daemon};
use crate::harness::Folder;
use crate::ports::own_port;

/// Takes mails into a folder for each name it knows, and for no others.
const CONFIG: &str = "
primary_hostname = localhost
exim_path = @folder@/exim
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
spool_directory = @folder@/spool
log_file_path = @folder@/log/%s
pid_file_path = @folder@/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = @starttls@ : @tls@
tls_on_connect_ports = @tls@
tls_advertise_hosts = *
tls_certificate = @folder@/server.pem
tls_privatekey = @folder@/server.key
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
keep_environment =
begin acl
rcpt:
  deny !encrypted = *
  deny !authenticated = *
    message = log in first
  deny local_parts = nobody
    message = no such recipient
  defer local_parts = later
    condition = ${if exists{@folder@/open}{no}{yes}}
    message = come again
  accept
begin routers
all:
  driver = accept
  local_parts = desk : desk_one : desk_two : second_one : second_two : later
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = @folder@/mail/$local_part_data
  maildir_format
  create_directory
  user = Debian-exim
  group = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{tripline}}{eq{$auth3}{mail-secret-7}}}}
  server_set_id = $auth2
  server_advertise_condition = ${if def:tls_in_cipher}
";

/// What runs Exim with its libraries and its user.
fn script(folder: &str) -> String {
    format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH={} LD_PRELOAD={} NSS_WRAPPER_PASSWD={folder}/passwd NSS_WRAPPER_GROUP={folder}/group\n\
         exec {} \"$@\"\n",
        daemon::libraries(),
        daemon::library("libnss_wrapper.so").display(),
        daemon::path("usr/sbin/exim4").display(),
    )
}

/// A running server.
pub struct Exim {
    daemon: Daemon,
    folder: Folder,
    /// Where encryption is asked for.
    pub starttls: u16,
    /// Where it begins with the connection.
    pub tls: u16,
}

impl Exim {
    /// Starts one with a certificate for `localhost`.
    pub fn start() -> Exim {
        let folder = Folder::new();
        Authority::new("Mail Test").write(&folder, "server", Valid::Now);
        for inside in ["spool", "log", "mail"] {
            std::fs::create_dir(folder.path().join(inside)).expect("a folder");
        }
        let (user, group) = daemon::user();
        folder
            .write("passwd", format!("root:x:0:0::/:/bin/sh\nDebian-exim:x:{user}:{group}::/:/bin/false\n"));
        folder.write("group", format!("root:x:0:\nDebian-exim:x:{group}:\n"));
        daemon::hand_over(folder.path());
        let (starttls, tls) = (own_port(), own_port());
        let place = folder.path().to_str().expect("a path").to_owned();
        let config = CONFIG
            .replace("@folder@", &place)
            .replace("@starttls@", &starttls.to_string())
            .replace("@tls@", &tls.to_string());
        // These are not handed over: the configuration must not be writable for others.
        let config = folder.write("exim.conf", config);
        // It starts itself again for each mail, and forgets its environment before.
        let script = folder.write("exim", script(&place));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut command = Command::new(script);
        command.arg("-C").arg(config).args(["-bdf", "-odf"]);
        let mut daemon = Daemon::start(command);
        daemon.wait_for_port(starttls);
        daemon.wait_for_port(tls);
        Exim { daemon, folder, starttls, tls }
    }

    /// The authority that vouches for it.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("server-ca.pem")
    }

    /// Lets those in who were to come again.
    pub fn open(&self) {
        self.folder.write("open", "");
    }

    /// Waits until so many mails have come for that name, and gives them.
    pub fn mails(&mut self, name: &str, count: usize) -> Vec<String> {
        let folder = self.folder.path().join(format!("mail/{name}/new"));
        let log = self.folder.path().join("log/main");
        let what = || {
            format!("{count} mails for {name}; log:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        };
        let read = || {
            let entries = std::fs::read_dir(&folder).ok()?;
            let mails: Vec<String> = entries
                .map(|entry| std::fs::read_to_string(entry.expect("a file").path()).expect("a mail"))
                .collect();
            (mails.len() >= count).then_some(mails)
        };
        self.daemon.wait_for(&what(), read)
    }
}
