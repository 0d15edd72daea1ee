//! Tests of the exported definitions.

use super::*;

pub(super) fn options(text: &str) -> ScheduleOptions {
    let options: ScheduleOptions = toml::from_str(text).unwrap();
    assert_eq!(options.problems(), []);
    options
}

pub(super) fn job() -> ScheduledJob {
    ScheduledJob {
        project: "turbofan".to_owned(),
        pipeline: "pdm.toml".to_owned(),
        profile: None,
        set: Vec::new(),
        program: "/usr/local/bin/pdm-ml".to_owned(),
        folder: "/srv/plant".to_owned(),
        repository_folder: String::new(),
        memory_bytes: None,
        notifies: false,
    }
}

/// Every option that a machine knows.
const FULL: &str = r#"
    cron = "30 3 1,15 * MON"
    timezone = "Europe/Berlin"
    if = ["drift", "older-than=7d"]
    jitter = "10min"
    deadline = "2h"
    threads = 4
    env = ["AWS_REGION"]
    secrets = ["AWS_SECRET_ACCESS_KEY"]
    env_file = "/etc/pdm-ml/100% plant.env"
"#;

/// A folder with everything that some reader takes for its own.
fn nasty() -> ScheduledJob {
    ScheduledJob {
        folder: r#"/srv/it's "100%" $HOME `x` \n;"#.to_owned(),
        pipeline: "pipelines/a b.toml".to_owned(),
        profile: Some("night".to_owned()),
        set: vec!["project.name=a&b".to_owned()],
        memory_bytes: Some(1 << 30),
        ..job()
    }
}

fn written(kind: SchedulerKind, options: &ScheduleOptions, job: &ScheduledJob) -> String {
    let definition = export(kind, options, job).unwrap();
    definition
        .files
        .iter()
        .map(|file| format!("== {}\n{}", file.name, file.text))
        .collect()
}

fn refused(kind: SchedulerKind, options: &ScheduleOptions, job: &ScheduledJob) -> String {
    let error = export(kind, options, job).unwrap_err();
    format!("{error} ({})", error.hint().unwrap_or_default())
}

#[test]
fn cron_by_default_and_with_everything() {
    insta::assert_snapshot!(written(SchedulerKind::Cron, &options("cron = '0 3 * * 1'"), &job()), @r"
    == pdm-ml-turbofan.cron
    # pdm-ml: retrain turbofan. Written by `pdm-ml schedule export cron`.
    # A run that is due while another is running finds the project locked, and ends. cron does not retry on its own.
    CRON_TZ=UTC
    0 3 * * 1 mkdir -p /srv/plant/.pdm-ml && exec timeout -k 60 21600 /usr/local/bin/pdm-ml -C /srv/plant --metrics-file .pdm-ml/pdm-ml-turbofan.prom retrain pdm.toml --if 'new-data,drift,older-than=7d' >>/srv/plant/.pdm-ml/pdm-ml-turbofan.log 2>&1
    ");
    insta::assert_snapshot!(written(SchedulerKind::Cron, &options(FULL), &nasty()), @r#"
    == pdm-ml-turbofan.cron
    # pdm-ml: retrain turbofan. Written by `pdm-ml schedule export cron`.
    # A run that is due while another is running finds the project locked, and ends. cron does not retry on its own.
    CRON_TZ=Europe/Berlin
    30 3 1,15 * 1 sleep 20 && . '/etc/pdm-ml/100\% plant.env' && export AWS_REGION AWS_SECRET_ACCESS_KEY && mkdir -p "/srv/it's \"100\%\" "'$HOME `x` '"\\n;/.pdm-ml" && exec timeout -k 60 7200 /usr/local/bin/pdm-ml -C "/srv/it's \"100\%\" "'$HOME `x` '"\\n;" --threads 4 --metrics-file .pdm-ml/pdm-ml-turbofan.prom retrain 'pipelines/a b.toml' --if 'drift,older-than=7d' --profile night --set 'project.name=a&b' >>"/srv/it's \"100\%\" "'$HOME `x` '"\\n;/.pdm-ml/pdm-ml-turbofan.log" 2>&1
    "#);
}

#[test]
fn systemd_by_default_and_with_everything() {
    insta::assert_snapshot!(written(SchedulerKind::Systemd, &options("cron = '0 3 * * 1'"), &job()), @r#"
    == pdm-ml-turbofan.service
    # Written by `pdm-ml schedule export systemd`.
    [Unit]
    Description=pdm-ml: retrain turbofan
    Wants=network-online.target
    After=network-online.target
    # Tried again until the server is reachable; the starts by the timer must not count against that.
    StartLimitIntervalSec=0

    [Service]
    Type=exec
    ExecStart=:"/usr/local/bin/pdm-ml" "-C" "/srv/plant" "--metrics-file" ".pdm-ml/pdm-ml-turbofan.prom" "retrain" "pdm.toml" "--if" "new-data,drift,older-than=7d"
    # Decisions of a gate, and missing approvals, are not failures.
    SuccessExitStatus=20 21 22
    RestartForceExitStatus=75
    RestartSec=300
    RuntimeMaxSec=21600
    TimeoutStopSec=60
    NoNewPrivileges=yes
    == pdm-ml-turbofan.timer
    # Written by `pdm-ml schedule export systemd`: cron's `0 3 * * 1`.
    [Unit]
    Description=When: pdm-ml: retrain turbofan

    [Timer]
    OnCalendar=Mon *-*-* 03:00:00 UTC
    # Once, when the machine was off at the time.
    Persistent=true
    Unit=pdm-ml-turbofan.service

    [Install]
    WantedBy=timers.target
    "#);
    insta::assert_snapshot!(written(SchedulerKind::Systemd, &options(FULL), &nasty()), @r#"
    == pdm-ml-turbofan.service
    # Written by `pdm-ml schedule export systemd`.
    [Unit]
    Description=pdm-ml: retrain turbofan
    Wants=network-online.target
    After=network-online.target
    # Tried again until the server is reachable; the starts by the timer must not count against that.
    StartLimitIntervalSec=0

    [Service]
    Type=exec
    ExecStart=:"/usr/local/bin/pdm-ml" "-C" "/srv/it's \"100%%\" $HOME `x` \\n;" "--threads" "4" "--metrics-file" ".pdm-ml/pdm-ml-turbofan.prom" "retrain" "pipelines/a b.toml" "--if" "drift,older-than=7d" "--profile" "night" "--set" "project.name=a&b"
    EnvironmentFile=/etc/pdm-ml/100%% plant.env
    # Decisions of a gate, and missing approvals, are not failures.
    SuccessExitStatus=20 21 22
    RestartForceExitStatus=75
    RestartSec=300
    RuntimeMaxSec=7200
    TimeoutStopSec=60
    NoNewPrivileges=yes
    # A quarter more than `memory` in the project's budget, which the program checks on its own.
    MemoryMax=1342177280
    CPUQuota=400%
    == pdm-ml-turbofan.timer
    # Written by `pdm-ml schedule export systemd`: cron's `30 3 1,15 * 1`.
    [Unit]
    Description=When: pdm-ml: retrain turbofan

    [Timer]
    OnCalendar=*-*-01,15 03:30:00 Europe/Berlin
    OnCalendar=Mon *-*-* 03:30:00 Europe/Berlin
    RandomizedDelaySec=600
    # Once, when the machine was off at the time.
    Persistent=true
    Unit=pdm-ml-turbofan.service

    [Install]
    WantedBy=timers.target
    "#);
}

#[test]
fn github_by_default_and_with_everything() {
    insta::assert_snapshot!(written(SchedulerKind::Github, &options("cron = '0 3 * * 1'"), &job()), @r#"
    == pdm-ml-turbofan.yml
    # pdm-ml: retrain turbofan. Written by `pdm-ml schedule export github`, for .github/workflows.
    # Needs the repository variable PDM_ML_INSTALL: a command that installs pdm-ml (docs/ci.md).
    name: 'pdm-ml: retrain turbofan'
    on:
      schedule:
      - cron: 0 3 * * 1
      workflow_dispatch: null
    permissions:
      contents: read
    concurrency:
      group: pdm-ml-turbofan
      cancel-in-progress: false
    jobs:
      run:
        runs-on: ubuntu-24.04
        timeout-minutes: 360
        steps:
        - uses: actions/checkout@v6
          with:
            persist-credentials: false
        - name: Install pdm-ml
          env:
            PDM_ML_INSTALL: ${{ vars.PDM_ML_INSTALL }}
          run: |
            if [ -z "$PDM_ML_INSTALL" ]; then
              echo "::error title=pdm-ml is not installed::Set the repository variable PDM_ML_INSTALL to a command that installs pdm-ml"
              echo "Settings > Secrets and variables > Actions > Variables; for example a download of a binary your organisation built"
              exit 1
            fi
            echo "$HOME/.cargo/bin" >> "$GITHUB_PATH"
            echo "$HOME/.local/bin" >> "$GITHUB_PATH"
            export PATH="$HOME/.cargo/bin:$HOME/.local/bin:$PATH"
            bash -euo pipefail -c "$PDM_ML_INSTALL"
            pdm-ml --version
        - uses: actions/cache@v5
          with:
            path: .pdm-ml
            key: pdm-ml-turbofan-${{ github.run_id }}
            restore-keys: pdm-ml-turbofan-
        - name: Run
          run: |
            for try in 0 1 2 3; do
              code=0
              pdm-ml retrain pdm.toml --if 'new-data,drift,older-than=7d' || code=$?
              if [ "$code" -ne 75 ] || [ "$try" -eq 3 ]; then break; fi
              sleep 300
            done
            case "$code" in
              20 | 21 | 22) echo "::notice::a decision, not a failure: exit code $code" ;;
              *) exit "$code" ;;
            esac
    "#);
    let below = ScheduledJob {
        repository_folder: "plants/a b".to_owned(),
        ..nasty()
    };
    let full = written(SchedulerKind::Github, &options(FULL), &below);
    for words in [
        "timezone: Europe/Berlin",
        "${{ secrets.AWS_SECRET_ACCESS_KEY }}",
        "-C 'plants/a b'",
        "minutes: 120",
    ] {
        assert!(full.contains(words), "{words}\n{full}");
    }
}

#[test]
fn kubernetes_with_everything() {
    let with_image = format!(
        "{FULL}\nimage = 'registry.example.org/pdm-ml:1.0'\nvolume = 'plant'\nfolder = '/data/$(HOME)'"
    );
    insta::assert_snapshot!(written(SchedulerKind::Kubernetes, &options(&with_image), &nasty()), @r#"
    == pdm-ml-turbofan.yaml
    # pdm-ml: retrain turbofan. Written by `pdm-ml schedule export kubernetes`; for Kubernetes 1.31 or later.
    # Needs: ConfigMap pdm-ml-turbofan with AWS_REGION; Secret pdm-ml-turbofan with AWS_SECRET_ACCESS_KEY; PersistentVolumeClaim plant with the project.
    # A pod that ends with 75 is tried again, any other failure is not.
    apiVersion: batch/v1
    kind: CronJob
    metadata:
      name: pdm-ml-turbofan
      labels:
        app.kubernetes.io/name: pdm-ml
        app.kubernetes.io/instance: pdm-ml-turbofan
    spec:
      schedule: 30 3 1,15 * 1
      timeZone: Europe/Berlin
      concurrencyPolicy: Forbid
      startingDeadlineSeconds: 3600
      successfulJobsHistoryLimit: 3
      failedJobsHistoryLimit: 3
      jobTemplate:
        spec:
          activeDeadlineSeconds: 7200
          backoffLimit: 3
          podFailurePolicy:
            rules:
            - action: Ignore
              onPodConditions:
              - type: DisruptionTarget
                status: 'True'
            - action: FailJob
              onExitCodes:
                containerName: pdm-ml
                operator: NotIn
                values:
                - 75
          template:
            metadata:
              labels:
                app.kubernetes.io/name: pdm-ml
                app.kubernetes.io/instance: pdm-ml-turbofan
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 60
              automountServiceAccountToken: false
              containers:
              - name: pdm-ml
                image: registry.example.org/pdm-ml:1.0
                command:
                - /bin/sh
                - -c
                - |
                  stopped= child=
                  run() {
                    "$@" &
                    child=$!
                    while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
                  }
                  trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
                  run sleep 20
                  [ -z "$stopped" ] || exit 143
                  run "$@"
                  case $code in 20|21|22) echo "a decision, not a failure: exit code $code" >&2; code=0 ;; esac
                  exit "$code"
                - pdm-ml
                args:
                - pdm-ml
                - -C
                - /data/$$(HOME)
                - --threads
                - '4'
                - retrain
                - pipelines/a b.toml
                - --if
                - drift,older-than=7d
                - --profile
                - night
                - --set
                - project.name=a&b
                securityContext:
                  allowPrivilegeEscalation: false
                env:
                - name: AWS_REGION
                  valueFrom:
                    configMapKeyRef:
                      name: pdm-ml-turbofan
                      key: AWS_REGION
                - name: AWS_SECRET_ACCESS_KEY
                  valueFrom:
                    secretKeyRef:
                      name: pdm-ml-turbofan
                      key: AWS_SECRET_ACCESS_KEY
                resources:
                  requests:
                    memory: 1024Mi
                    cpu: '4'
                  limits:
                    memory: 1280Mi
                    cpu: '4'
                volumeMounts:
                - name: project
                  mountPath: /data/$(HOME)
              volumes:
              - name: project
                persistentVolumeClaim:
                  claimName: plant
    "#);
}

#[test]
fn argo_by_default() {
    let with_image = "cron = '0 3 * * 1'\nimage = 'registry.example.org/pdm-ml:1.0'\nsecrets = ['TOKEN']\nsecret = 'plant-7'";
    insta::assert_snapshot!(written(SchedulerKind::Argo, &options(with_image), &job()), @r#"
    == pdm-ml-turbofan.yaml
    # pdm-ml: retrain turbofan. Written by `pdm-ml schedule export argo`; for Argo Workflows 3.6 or later.
    # Needs: Secret plant-7 with TOKEN; the project in the image, at /project.
    # A pod that ends with 75 is tried again, any other failure is not.
    apiVersion: argoproj.io/v1alpha1
    kind: CronWorkflow
    metadata:
      name: pdm-ml-turbofan
      labels:
        app.kubernetes.io/name: pdm-ml
        app.kubernetes.io/instance: pdm-ml-turbofan
    spec:
      schedules:
      - 0 3 * * 1
      timezone: UTC
      concurrencyPolicy: Forbid
      startingDeadlineSeconds: 3600
      successfulJobsHistoryLimit: 3
      failedJobsHistoryLimit: 3
      workflowSpec:
        entrypoint: pdm-ml
        activeDeadlineSeconds: 21600
        templates:
        - name: pdm-ml
          retryStrategy:
            limit: '3'
            retryPolicy: Always
            expression: asInt(lastRetry.exitCode) == 75
            backoff:
              duration: '300'
              factor: '2'
          container:
            image: registry.example.org/pdm-ml:1.0
            command:
            - /bin/sh
            - -c
            - |
              stopped= child=
              run() {
                "$@" &
                child=$!
                while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
              }
              trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
              run "$@"
              case $code in 20|21|22) echo "a decision, not a failure: exit code $code" >&2; code=0 ;; esac
              exit "$code"
            - pdm-ml
            args:
            - pdm-ml
            - -C
            - /project
            - retrain
            - pdm.toml
            - --if
            - new-data,drift,older-than=7d
            securityContext:
              allowPrivilegeEscalation: false
            env:
            - name: TOKEN
              valueFrom:
                secretKeyRef:
                  name: plant-7
                  key: TOKEN
    "#);
}

#[test]
fn airflow_fills_in_literals_only() {
    let text = written(SchedulerKind::Airflow, &options(FULL), &nasty());
    assert!(!text.contains(" = ...\n"), "{text}");
    insta::assert_snapshot!(text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).collect::<Vec<_>>().join("\n"), @r#"
    DAG_ID = "pdm-ml-turbofan"
    TITLE = "pdm-ml: retrain turbofan"
    CRON = "30 3 1,15 * 1"
    ZONE = "Europe/Berlin"
    COMMAND = ["/usr/local/bin/pdm-ml", "-C", "/srv/it's \"100%\" $HOME `x` \\n;", "--threads", "4", "--metrics-file", ".pdm-ml/pdm-ml-turbofan.prom", "retrain", "pipelines/a b.toml", "--if", "drift,older-than=7d", "--profile", "night", "--set", "project.name=a&b"]
    FOLDER = "/srv/it's \"100%\" $HOME `x` \\n;"
    NEEDED = ["AWS_REGION", "AWS_SECRET_ACCESS_KEY"]
    DELAY = 20
    DEADLINE_SECONDS = 7200
    RETRIES = 3
    RETRY_SECONDS = 300
    DECISIONS = (20, 21, 22)
    TRY_AGAIN = 75
    "#);
    let pod = written(
        SchedulerKind::Airflow,
        &options(&format!("{FULL}\nimage = 'i'")),
        &nasty(),
    );
    assert!(
        !pod.contains(" = ...\n") && pod.contains("KubernetesPodOperator"),
        "{pod}"
    );
}

#[test]
fn what_a_kind_cannot_say_is_refused_with_the_reason() {
    let weekly = options("cron = '0 3 * * 1'");
    let with = |text: &str| options(&format!("cron = '0 3 * * 1'\n{text}"));
    let in_folder = |folder: &str| ScheduledJob {
        folder: folder.to_owned(),
        repository_folder: folder.to_owned(),
        ..job()
    };
    let refusals = [
        refused(SchedulerKind::Kubernetes, &weekly, &job()),
        refused(SchedulerKind::Argo, &weekly, &job()),
        refused(SchedulerKind::Cron, &with("secrets = ['TOKEN']"), &job()),
        refused(SchedulerKind::Systemd, &with("env = ['PLANT']"), &job()),
        refused(SchedulerKind::Systemd, &with("program = 'pdm-ml'"), &job()),
        refused(
            SchedulerKind::Github,
            &options("cron = '*/2 * * * *'"),
            &job(),
        ),
        refused(
            SchedulerKind::Github,
            &weekly,
            &in_folder("a${{ github.token }}"),
        ),
        refused(
            SchedulerKind::Argo,
            &with("image = 'i'\nfolder = '/{{x}}'"),
            &job(),
        ),
        refused(
            SchedulerKind::Airflow,
            &with("image = 'i'\nfolder = '/{%x%}'"),
            &job(),
        ),
        refused(
            SchedulerKind::Cron,
            &weekly,
            &in_folder(&"/long".repeat(300)),
        ),
        refused(SchedulerKind::Cron, &weekly, &in_folder("/a\nb")),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    kubernetes needs `image` in [schedule] (it runs containers: name an image with pdm-ml and /bin/sh, such as image = "registry.example.org/pdm-ml:1.0")
    argo needs `image` in [schedule] (it runs containers: name an image with pdm-ml and /bin/sh, such as image = "registry.example.org/pdm-ml:1.0")
    cron needs `env_file` in [schedule] (`env` and `secrets` only name variables; set a file of NAME=value lines on that machine, readable only by the job's user, such as env_file = "/etc/pdm-ml/plant.env")
    systemd needs `env_file` in [schedule] (`env` and `secrets` only name variables; set a file of NAME=value lines on that machine, readable only by the job's user, such as env_file = "/etc/pdm-ml/plant.env")
    `program` in [schedule]: `pdm-ml` must be an absolute path for systemd ()
    github cannot express `*/2 * * * *`: times 2 min apart, but its shortest interval is 5 (use fewer minutes in `cron`)
    github cannot express `a${{ github.token }}`: it replaces what follows `${{` (rename the file or folder)
    argo cannot express `/{{x}}`: it replaces what follows `{{` (rename the file or folder)
    airflow cannot express `/{%x%}`: it replaces what follows `{%` (rename the file or folder)
    cron cannot express a command of 4704 characters; its limit is 998 (shorten the paths, or use systemd)
    `folder` in [schedule]: "/a\nb" contains a line break or another control character ()
    "#);
}

#[test]
fn names_suit_every_scheduler_and_stay_apart() {
    let name = |project: &str| {
        let (options, job) = (
            options("cron = '0 3 * * 1'"),
            ScheduledJob {
                project: project.to_owned(),
                ..job()
            },
        );
        plan::SchedulePlan::new(&options, &job).unwrap().name()
    };
    assert_eq!(name("turbofan-fd001"), "pdm-ml-turbofan-fd001");
    assert_ne!(name("plant_7"), name("plant.7"));
    for project in ["plant_7", "plant.7", &"long-".repeat(40)] {
        let name = name(project);
        assert!(
            name.len() <= 52
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{name}"
        );
    }
}

#[test]
fn another_command_is_taken_word_by_word() {
    let options =
        options("cron = '0 3 * * 1'\ncommand = ['run', 'a b.toml', '--force']\nthreads = 2");
    let text = written(SchedulerKind::Cron, &options, &job());
    let words = "--threads 2 --metrics-file .pdm-ml/pdm-ml-turbofan.prom run 'a b.toml' --force >>";
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_delay_is_within_the_jitter_and_stays() {
    let options = options("cron = '0 3 * * 1'\njitter = '10min'");
    let delay = |project: &str| {
        let job = ScheduledJob {
            project: project.to_owned(),
            ..job()
        };
        plan::SchedulePlan::new(&options, &job)
            .unwrap()
            .delay_seconds()
            .unwrap()
    };
    let delays: Vec<_> = ["a", "b", "c", "d"].map(delay).to_vec();
    assert!(
        delays.iter().all(|delay| *delay <= 600) && delay("a") == delays[0],
        "{delays:?}"
    );
    assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
}

#[test]
fn the_next_times_are_in_the_zone_also_where_its_clock_changes() {
    let next = |cron: &str, zone: &str, now: &str, count| {
        let options = options(&format!("cron = '{cron}'\ntimezone = '{zone}'"));
        let times = next_times(&options, now.parse().unwrap(), count).unwrap();
        times
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(next("0 3 * * 1", "Europe/Berlin", "2026-11-28T12:00:00Z", 2), @r"
    2026-11-30T03:00:00+01:00[Europe/Berlin]
    2026-12-07T03:00:00+01:00[Europe/Berlin]
    ");
    // The clock goes from 2:00 to 3:00 on 2027-03-28, and from 3:00 back to 2:00 on 2027-10-31.
    insta::assert_snapshot!(next("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00:00Z", 3), @r"
    2027-03-27T02:30:00+01:00[Europe/Berlin]
    2027-03-28T03:00:00+02:00[Europe/Berlin]
    2027-03-29T02:30:00+02:00[Europe/Berlin]
    ");
    insta::assert_snapshot!(next("30 2 * * *", "Europe/Berlin", "2027-10-30T00:00:00Z", 3), @r"
    2027-10-30T02:30:00+02:00[Europe/Berlin]
    2027-10-31T02:30:00+02:00[Europe/Berlin]
    2027-11-01T02:30:00+01:00[Europe/Berlin]
    ");
    insta::assert_snapshot!(next("0 0 29 2 *", "Asia/Kolkata", "2026-11-28T12:00:00Z", 2), @r"
    2028-02-29T00:00:00+05:30[Asia/Kolkata]
    2032-02-29T00:00:00+05:30[Asia/Kolkata]
    ");
    insta::assert_snapshot!(next("0 3 13 * FRI", "UTC", "2026-11-28T12:00:00Z", 4), @r"
    2026-12-04T03:00:00+00:00[UTC]
    2026-12-11T03:00:00+00:00[UTC]
    2026-12-13T03:00:00+00:00[UTC]
    2026-12-18T03:00:00+00:00[UTC]
    ");
}

proptest::proptest! {
    /// What cron and then a shell make of a line are the words it was made from.
    #[test]
    fn cron_and_a_shell_read_back_the_same_words(words in proptest::collection::vec("[a\\\\% '\"$`!#&;~*^é-]{0,8}", 1..5)) {
        let line = quote::crontab(&quote::shell(&words));
        proptest::prop_assert_eq!(shlex::split(&handed_to_shell(&line)), Some(words));
    }
}

/// Returns the command as cron passes it on: it ends at the first `%` without a backslash before it; such backslashes are removed.
fn handed_to_shell(line: &str) -> String {
    let (mut command, mut escaped) = (String::new(), false);
    for c in line.chars() {
        match (escaped, c) {
            (false, '%') => break,
            (true, '%') => _ = command.pop(),
            _ => {}
        }
        command.push(c);
        escaped = !escaped && c == '\\';
    }
    command
}
