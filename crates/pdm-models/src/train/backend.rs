//! What computes the fit of a network: the program's own layers, or a backend of burn.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// What computes the fit of a network.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, with this program's own layers on all threads; in every build.
    #[default]
    Native,
    /// The CPU, with burn's operations; in every build.
    Flex,
    /// The CPU, with burn's older ndarray operations; needs a build with `--features ndarray`.
    Ndarray,
    /// An NVIDIA GPU, with burn's operations; needs a build with `--features cuda`.
    Cuda,
    /// Any GPU, with burn's operations on WebGPU; needs a build with `--features wgpu`.
    Wgpu,
}

impl Backend {
    /// The backends of this build, the default first.
    pub fn built() -> impl Iterator<Item = Self> {
        [
            Self::Native,
            Self::Flex,
            Self::Ndarray,
            Self::Cuda,
            Self::Wgpu,
        ]
        .into_iter()
        .filter(|backend| backend.problem().is_none())
    }

    /// Returns the name in cache keys, where the native layers are called `flex` for good.
    ///
    /// That is what `[train] backend` called them in the first two versions of the pipeline file. Under their new name every
    /// result in a cache, and every recipe that `retrain` remembers, would count as changed.
    pub(super) fn key_name(self) -> &'static str {
        match self {
            Self::Native => "flex",
            Self::Flex => "burn_flex",
            Self::Ndarray => "ndarray",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
        }
    }

    /// Returns the problem where this build does not have the backend.
    pub(super) fn problem(self) -> Option<Problem> {
        let (feature, built) = match self {
            Self::Native | Self::Flex => return None,
            Self::Ndarray => ("ndarray", cfg!(feature = "ndarray")),
            Self::Cuda => ("cuda", cfg!(feature = "cuda")),
            Self::Wgpu => ("wgpu", cfg!(feature = "wgpu")),
        };
        let message = format!("this program was built without `{feature}`");
        let problem = Problem::new("backend", message).with_code(Code::BackendNotBuilt);
        let problem = problem.hint(format!(
            "build it with `--features {feature}`, or use native"
        ));
        (!built).then_some(problem)
    }

    /// Returns the device on which a graph of burn operations computes the gradient; `None` for the native layers, and for a
    /// backend that this build does not have.
    pub(super) fn graph_device(self) -> Option<Device> {
        match self {
            Self::Native => None,
            Self::Flex => Some(Device::flex()),
            #[cfg(not(feature = "ndarray"))]
            Self::Ndarray => None,
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => None,
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => None,
            #[cfg(feature = "ndarray")]
            // Deprecated upstream; kept for users who ask for it.
            #[allow(deprecated)]
            Self::Ndarray => Some(Device::ndarray()),
            #[cfg(feature = "cuda")]
            Self::Cuda => Some(Device::cuda(0)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_has_two_backends_and_a_device_for_all_but_the_native_one() {
        let built: Vec<_> = Backend::built().collect();
        assert_eq!(built[..2], [Backend::Native, Backend::Flex]);
        for backend in built {
            let has_device = backend.graph_device().is_some();
            assert_eq!(has_device, backend != Backend::Native, "{backend:?}");
        }
    }

    #[test]
    fn the_native_layers_keep_their_old_name_in_keys() {
        assert_eq!(Backend::Native.key_name(), "flex");
        assert_eq!(Backend::Flex.key_name(), "burn_flex");
        for backend in [Backend::Ndarray, Backend::Cuda, Backend::Wgpu] {
            assert_eq!(serde_json::json!(backend), backend.key_name());
        }
    }
}
