//! rsyslog, a server for syslog, on this machine alone and with files of its own.

use serde_json::Value;

use crate::certificates::{Authority, Valid};
use crate::daemon::{self, Daemon};
use crate::harness::Folder;
use crate::ports::own_port;

/// Takes messages by every way, and writes what it has understood of each as a line of JSON.
const CONFIG: &str = r#"
module(load="imudp")
module(load="imptcp")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
module(load="imuxsock" SysSock.Use="off")
module(load="mmpstrucdata")
global(
  workDirectory="@folder@"
  DefaultNetstreamDriverCAFile="@folder@/server-ca.pem"
  DefaultNetstreamDriverCertFile="@folder@/server.pem"
  DefaultNetstreamDriverKeyFile="@folder@/server.key"
)
template(name="understood" type="list" option.jsonf="on") {
  property(outname="way" name="inputname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="id" name="msgid" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="data" name="$!rfc5424-sd" format="jsonf")
}
ruleset(name="all") {
  action(type="mmpstrucdata")
  action(type="omfile" file="@folder@/received" template="understood")
}
input(type="imudp" address="127.0.0.1" port="@udp@" ruleset="all")
input(type="imptcp" address="127.0.0.1" port="@tcp@" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="@tls@" ruleset="all")
input(type="imuxsock" Socket="@folder@/log" ruleset="all" UseSpecialParser="off" ParseHostname="on")
"#;

/// A running server.
pub struct Rsyslog {
    daemon: Daemon,
    pub folder: Folder,
    pub udp: u16,
    pub tcp: u16,
    pub tls: u16,
}

impl Rsyslog {
    /// Starts one with a certificate for `localhost`.
    pub fn start() -> Rsyslog {
        let folder = Folder::new();
        Authority::new("Syslog Test").write(&folder, "server", Valid::Now);
        let (udp, tcp, tls) = (own_port(), own_port(), own_port());
        let config = CONFIG
            .replace("@folder@", folder.path().to_str().expect("a path"))
            .replace("@udp@", &udp.to_string())
            .replace("@tcp@", &tcp.to_string())
            .replace("@tls@", &tls.to_string());
        let config = folder.write("rsyslog.conf", config);
        let mut command = daemon::command("usr/sbin/rsyslogd");
        command.arg("-n").arg("-f").arg(config).arg("-i").arg(folder.path().join("pid"));
        command.arg("-M").arg(daemon::library("rsyslog"));
        let mut daemon = Daemon::start(command);
        daemon.wait_for_port(tcp);
        daemon.wait_for_port(tls);
        let socket = folder.path().join("log");
        daemon.wait_for("the socket", || socket.exists().then_some(()));
        Rsyslog { daemon, folder, udp, tcp, tls }
    }

    /// Waits until so many messages have come, and gives what was understood of them.
    pub fn received(&mut self, count: usize) -> Vec<Value> {
        let file = self.folder.path().join("received");
        self.daemon.wait_for(&format!("{count} messages"), || {
            let lines = std::fs::read_to_string(&file).ok()?;
            let whole = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
            Some(whole.collect::<Vec<Value>>()).filter(|lines| lines.len() >= count)
        })
    }
}
