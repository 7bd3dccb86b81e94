//! The Debian package: built from the program that was tested, with everything that an installation needs.

use std::path::Path;
use std::process::{Command, Output};

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_package_holds_program_units_configuration_and_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let package = folder.path().join("paystand-sync.deb");
    run(Command::new(root.join("packaging/debian/build")).arg(env!("CARGO_BIN_EXE_paystand-sync")).arg(&package));
    let info = String::from_utf8_lossy(&run(Command::new("dpkg-deb").arg("--info").arg(&package)).stdout).into_owned();
    for part in ["Package: paystand-sync", env!("CARGO_PKG_VERSION"), "Depends: libc6", "conffiles", "postinst"] {
        assert!(info.contains(part), "{part} is not in {info}");
    }
    let contents = run(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let contents = String::from_utf8_lossy(&contents.stdout).into_owned();
    for path in [
        "./usr/bin/paystand-sync",
        "./usr/lib/systemd/system/paystand-sync.service",
        "./usr/lib/systemd/system/paystand-sync-once.timer",
        "./usr/lib/sysusers.d/paystand-sync.conf",
        "./etc/paystand-sync/config.toml",
        "./usr/share/doc/paystand-sync/runbook.md.gz",
        "./usr/share/doc/paystand-sync/grafana/paystand-sync.json",
        "./usr/share/doc/paystand-sync/prometheus/paystand-sync.yaml",
        "./usr/share/doc/paystand-sync/copyright",
    ] {
        assert!(contents.lines().any(|line| line.ends_with(path)), "{path} is not in {contents}");
    }
    let owned = contents.lines().all(|line| line.contains("root/root"));
    assert!(owned && !contents.contains("paystand-sandbox"), "{contents}");
    let config = contents.lines().find(|line| line.ends_with("config.toml")).expect("a line");
    assert!(config.starts_with("-rw-r-----"), "secrets may be written into it: {config}");
    let out = folder.path().join("out");
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&out));
    let version = run(Command::new(out.join("usr/bin/paystand-sync")).arg("--version"));
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}
