//! The Python environment of an exported MLflow model.

pub(super) const REQUIREMENTS: &str = "requirements.txt";
pub(super) const CONDA: &str = "conda.yaml";
pub(super) const VIRTUALENV: &str = "python_env.yaml";

/// Packages that load the model, in the tested versions (`scripts/services-constraints.txt`).
pub(super) const MLFLOW: &str = "3.17.2";
pub(super) const ONNX: &str = "1.23.2";
const PACKAGES: [(&str, &str); 4] = [
    ("mlflow", MLFLOW),
    ("numpy", "2.4.6"),
    ("onnx", ONNX),
    ("onnxruntime", "1.32.0"),
];
/// The Python version they were tested with.
pub(super) const PYTHON: &str = "3.11";

pub(super) fn requirements() -> String {
    PACKAGES
        .map(|(name, version)| format!("{name}=={version}\n"))
        .concat()
}

pub(super) fn conda() -> String {
    let packages = PACKAGES
        .map(|(name, version)| format!("  - {name}=={version}\n"))
        .concat();
    format!(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n{packages}"
    )
}

pub(super) fn virtualenv() -> String {
    format!(
        "python: '{PYTHON}'\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r {REQUIREMENTS}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_the_tests_run_with() {
        let tested = include_str!("../../../../../scripts/services-constraints.txt");
        for requirement in requirements().lines() {
            assert!(
                tested.lines().any(|line| line == requirement),
                "{requirement}"
            );
        }
        assert!(tested.contains(&format!("Python {PYTHON},")));
    }
}
