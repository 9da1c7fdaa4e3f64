//! The parts of CUDA that were found and that are missing, one per line.

use std::fmt;
use std::path::PathBuf;

use super::detect::{self, Places};

/// What a part is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Build,
    Run,
}

/// Found where, or what to do.
struct Piece {
    name: String,
    need: Need,
    state: Result<String, String>,
}

pub(super) struct Report {
    pub(super) nvcc: Option<PathBuf>,
    pieces: Vec<Piece>,
}

/// The libraries that candle and cudarc link to.
const LINKED: [&str; 6] = ["cuda", "cudart", "cublas", "cublasLt", "curand", "nvrtc"];

const NO_NVCC: &str = "install the CUDA toolkit and set CUDA_HOME to it; see the note below";

const NOTE: &str = include_str!("toolkit_from_pypi.txt");

impl Report {
    pub(super) fn new(
        places: &Places,
        ldconfig: &str,
        capability: Result<(u32, &'static str), String>,
    ) -> Self {
        let nvcc = places.nvcc();
        let found = |path: PathBuf| path.display().to_string();
        let mut pieces = vec![
            piece("nvcc", Need::Build, describe_nvcc(nvcc.as_ref())),
            piece(
                "host C++ compiler",
                Need::Build,
                places
                    .program("g++")
                    .map(found)
                    .ok_or("install g++".to_owned()),
            ),
            piece(
                "compute capability",
                Need::Build,
                capability.map(|(number, source)| format!("{number} (from {source})")),
            ),
        ];
        for name in LINKED {
            let state = places
                .linkable(name)
                .map(found)
                .ok_or_else(|| link_advice(name));
            pieces.push(piece(
                &format!("lib{name}.so to link with"),
                Need::Build,
                state,
            ));
        }
        for name in LINKED {
            let state = places
                .loadable(name, ldconfig)
                .map(found)
                .ok_or_else(|| run_advice(name));
            pieces.push(piece(&format!("lib{name} to run with"), Need::Run, state));
        }
        Self { nvcc, pieces }
    }

    /// The names of the missing pieces of one kind.
    pub(super) fn missing(&self, need: Need) -> Vec<&str> {
        let missing = self
            .pieces
            .iter()
            .filter(|piece| piece.need == need && piece.state.is_err());
        missing.map(|piece| piece.name.as_str()).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Piece { name, state, .. } in &self.pieces {
            match state {
                Ok(found) => writeln!(f, "ok       {name}: {found}")?,
                Err(advice) => writeln!(f, "missing  {name}: {advice}")?,
            }
        }
        if !self.missing(Need::Build).is_empty() {
            write!(f, "\n{NOTE}")?;
        }
        Ok(())
    }
}

fn piece(name: &str, need: Need, state: Result<String, String>) -> Piece {
    Piece {
        name: name.to_owned(),
        need,
        state,
    }
}

fn describe_nvcc(nvcc: Option<&PathBuf>) -> Result<String, String> {
    let nvcc = nvcc.ok_or(NO_NVCC)?;
    let place = nvcc.display();
    match detect::release(&detect::nvcc_version(nvcc)) {
        Some(release) => Ok(format!("{place}, release {release}")),
        None => Err(format!("`{place} --version` shows no release; {NO_NVCC}")),
    }
}

fn link_advice(name: &str) -> String {
    match name {
        "cuda" => "comes with the NVIDIA driver (libcuda.so.1; link it as libcuda.so) \
                   or as lib64/stubs/libcuda.so of a CUDA toolkit"
            .to_owned(),
        _ => format!(
            "comes with a CUDA toolkit; if lib{name}.so.N is there, make a link lib{name}.so \
             beside it and name the folder in LIBRARY_PATH"
        ),
    }
}

fn run_advice(name: &str) -> String {
    match name {
        "cuda" => "install the NVIDIA driver".to_owned(),
        _ => format!(
            "install it with the CUDA toolkit, or name lib{name}'s folder in LD_LIBRARY_PATH"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_machine_without_anything_lacks_every_piece() {
        let report = Report::new(
            &Places::default(),
            "",
            Err("set CUDA_COMPUTE_CAP".to_owned()),
        );
        assert_eq!(report.missing(Need::Build).len(), 3 + LINKED.len());
        assert_eq!(report.missing(Need::Run).len(), LINKED.len());
        let said = report.to_string();
        assert!(
            said.contains("missing  nvcc: install the CUDA toolkit"),
            "{said}"
        );
        assert!(
            said.contains("missing  compute capability: set CUDA_COMPUTE_CAP"),
            "{said}"
        );
        assert!(
            said.contains("pip install 'nvidia-cuda-nvcc==13.0.*'"),
            "{said}"
        );
    }

    #[test]
    fn what_is_there_is_not_missing_and_an_nvcc_that_does_not_run_is() {
        let folder = tempfile::tempdir().unwrap();
        let toolkit = folder.path().to_path_buf();
        for name in ["bin/nvcc", "bin/g++", "lib/libcurand.so"] {
            let path = toolkit.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let places = Places {
            programs: vec![toolkit.join("bin")],
            toolkits: vec![toolkit],
            libraries: Vec::new(),
        };
        let report = Report::new(&places, "", Ok((80, "CUDA_COMPUTE_CAP")));
        let missing = report.missing(Need::Build);
        assert!(missing.contains(&"nvcc"), "{missing:?}");
        assert!(
            missing.contains(&"libcublas.so to link with"),
            "{missing:?}"
        );
        for name in [
            "host C++ compiler",
            "compute capability",
            "libcurand.so to link with",
        ] {
            assert!(!missing.contains(&name), "{name} in {missing:?}");
        }
        assert!(!report.missing(Need::Run).contains(&"libcurand to run with"));
    }
}
