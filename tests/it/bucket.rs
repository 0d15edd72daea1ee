//! The pipeline with its registry in a bucket of a real S3 server, started by `scripts/services`.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::needs;
use crate::project::{Project, SMALL};

/// Returns an address of its own in the server's bucket.
fn address(project: &Project) -> String {
    let bucket = needs::s3_bucket();
    let name = project
        .path()
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap()
        .trim_start_matches('.');
    format!("s3://{bucket}/it/{name}-{}", std::process::id())
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn a_registry_in_a_bucket_serves_the_whole_pipeline() {
    let project = Project::with_pipeline(SMALL);
    let url = address(&project);
    let set = format!("registry.url={url}");
    let outcome = project.json(&["run", "--set", &set]);
    assert_eq!(
        (&outcome["alias"], &outcome["version"]["version"]),
        (&"champion".into(), &1.into()),
        "{outcome:#}"
    );
    assert!(
        project
            .pdm(&["run", "--set", &set])
            .stdout
            .contains("nothing to do")
    );
    assert!(!Path::new(&project.file("registry/store")).exists());

    let verified = project.pdm(&["registry", "verify", "--registry", &url]);
    assert!(
        verified.code == 0 && verified.stdout.contains(&format!("{url}: 2 log entries")),
        "{verified:?}"
    );
    assert!(verified.stdout.contains("intact"), "{verified:?}");
    let doctor = project.pdm(&["doctor", "--registry", &url]);
    assert!(
        doctor.code == 0 && doctor.stdout.contains("exactly one succeeded"),
        "{doctor:?}"
    );

    // Another project knows the model by its address alone.
    let other = Project::with_pipeline(SMALL);
    let listed = other.json(&["registry", "list", "--registry", &url]);
    assert_eq!(listed[0]["aliases"]["champion"], 1, "{listed:#}");
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn errors_of_a_bucket_are_reported_without_keys() {
    let project = Project::with_pipeline(SMALL);
    let url = address(&project);
    let list = |name: &str, value: &str| {
        let mut command = project.command(&["registry", "list", "--registry", &url]);
        let output = command.env(name, value).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, stderr) = list("AWS_SECRET_ACCESS_KEY", "wrong-secret");
    assert!(
        code == Some(1) && stderr.contains("the keys in the environment"),
        "{stderr}"
    );
    assert!(
        !stderr.contains("wrong-secret") && !stderr.contains("only-for-tests"),
        "{stderr}"
    );
    let elsewhere = url.replace("s3://", "s3://no-such-");
    let missing = project.pdm(&["registry", "verify", "--registry", &elsewhere]);
    assert!(missing.code != 0 && missing.code != 75, "{missing:?}");
    let (code, stderr) = list("AWS_PROFILE", "nobody");
    assert!(
        code == Some(2) && stderr.contains("`nobody`, which is in neither profile file"),
        "{stderr}"
    );
    let (code, stderr) = list("AWS_ENDPOINT_URL", "http://store.invalid");
    assert!(
        code == Some(2) && stderr.contains("unencrypted"),
        "{stderr}"
    );
    let (code, stderr) = list("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    assert!(
        code == Some(75) && stderr.contains("AWS_ENDPOINT_URL"),
        "{stderr}"
    );
}

/// A listener that takes connections, and never answers.
#[test]
fn a_server_that_hangs_does_not_delay_an_interrupt() {
    let project = Project::empty();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    let mut command = project.command(&["registry", "list", "--registry", "s3://models/x"]);
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let (mut connection, _) = server.accept().unwrap();
    assert!(
        connection.read(&mut [0; 16]).unwrap() > 0,
        "it asks for something"
    );
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(connection);
}
