//! TLS and passwords: who the server must show to be, and that no error repeats the password.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use faramesh_ledger_postgres::{Address, open};

use crate::load::{NOW, STACK};
use crate::server::Server;

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A root, and a certificate of it for `localhost`.
fn certificate(folder: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req -x509 {key} -days 30 -subj /CN=root -keyout root.key -out {name}.root"));
    openssl(folder, &format!("req {key} -subj /CN=localhost -keyout {name}.key -out {name}.csr"));
    std::fs::write(folder.join("extensions"), "subjectAltName=DNS:localhost\n").unwrap();
    let signed = "-CAkey root.key -CAcreateserial -days 30 -extfile extensions";
    openssl(folder, &format!("x509 -req -in {name}.csr -CA {name}.root {signed} -out {name}.pem"));
}

#[test]
fn tls_checks_what_it_is_asked_to_and_passwords_stay_secret() {
    let Some(mut server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["server", "other"] {
        certificate(folder.path(), name);
    }
    for name in ["server.key", "server.pem"] {
        let path = server.data().join(name);
        std::fs::copy(folder.path().join(name), &path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        server.give(&path);
    }
    server.sql("CREATE ROLE ann LOGIN SUPERUSER PASSWORD 's3cret-word'");
    let access =
        "hostssl all ann all scram-sha-256\nhost all ann all reject\nhost all postgres 127.0.0.1/32 trust\n";
    std::fs::write(server.data().join("pg_hba.conf"), access).unwrap();
    let settings = "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n";
    let path = server.data().join("postgresql.conf");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, before + settings).unwrap();
    server.stop_at_once();
    server.run();
    let good = folder.path().join("server.root").display().to_string();
    let other = folder.path().join("other.root").display().to_string();
    let cases = [
        ("localhost", "sslmode=require".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("localhost", format!("sslmode=require&sslrootcert={other}"), false),
        ("localhost", format!("sslmode=verify-full&sslrootcert={good}"), true),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={good}"), false),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={good}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), false),
        ("localhost", "sslmode=verify-full".to_owned(), false),
        ("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(), false),
        ("localhost", "sslmode=disable".to_owned(), false),
    ];
    for (place, (host, query, expected)) in cases.into_iter().enumerate() {
        for (password, right) in [("s3cret-word", true), ("s3cret-guess", false)] {
            let url = format!("postgres://ann:{password}@{host}:{}/postgres?{query}", server.port);
            let result =
                open(Address::parse(&url).unwrap(), STACK, &format!("host-{place}"), NOW, &mut |_| {});
            let told = match &result {
                Ok((ledger, _)) => format!("{ledger:?} {}", ledger.status().place.unwrap()),
                Err(error) => format!("{error} {error:?}"),
            };
            assert_eq!(result.is_ok(), expected && right, "{host} {query}: {told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
