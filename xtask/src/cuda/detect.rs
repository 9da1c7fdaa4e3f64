//! Looks for the parts of a CUDA toolkit; every search path is an argument.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where to look.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// The folders of PATH.
    pub(super) programs: Vec<PathBuf>,
    /// Toolkits: folders with bin, include and a library folder.
    pub(super) toolkits: Vec<PathBuf>,
    /// Folders that the linker or the loader searches in addition to those of the toolkits.
    pub(super) libraries: Vec<PathBuf>,
}

/// The folders of libraries in a toolkit; `stubs` has a libcuda.so for linking without a driver.
const LIBRARY_FOLDERS: [&str; 5] = [
    "lib64",
    "lib64/stubs",
    "lib",
    "lib/stubs",
    "targets/x86_64-linux/lib",
];

impl Places {
    pub(super) fn of_this_machine() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let list = |name| -> Vec<PathBuf> {
            variable(name)
                .map(|value| env::split_paths(&value).collect())
                .unwrap_or_default()
        };
        let mut toolkits: Vec<PathBuf> = ["CUDA_HOME", "CUDA_PATH"]
            .into_iter()
            .filter_map(variable)
            .map(Into::into)
            .collect();
        toolkits.extend(["/usr/local/cuda", "/opt/cuda"].map(PathBuf::from));
        let mut libraries = list("LIBRARY_PATH");
        libraries.extend(list("LD_LIBRARY_PATH"));
        libraries.extend(
            [
                "/usr/lib/x86_64-linux-gnu",
                "/usr/lib/aarch64-linux-gnu",
                "/usr/lib64",
                "/usr/local/lib",
                "/usr/lib",
            ]
            .map(PathBuf::from),
        );
        Self {
            programs: list("PATH"),
            toolkits,
            libraries,
        }
    }

    /// The toolkits' bin folders come before PATH, as they were given on purpose.
    pub(super) fn nvcc(&self) -> Option<PathBuf> {
        let name = format!("nvcc{}", env::consts::EXE_SUFFIX);
        let toolkits = self.toolkits.iter().map(|toolkit| toolkit.join("bin"));
        let mut found = toolkits
            .chain(self.programs.iter().cloned())
            .map(|bin| bin.join(&name));
        found.find(|path| path.is_file())
    }

    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        let mut found = self.programs.iter().map(|folder| folder.join(name));
        found.find(|path| path.is_file())
    }

    /// `lib{name}.so`, the exact name that the linker opens.
    pub(super) fn linkable(&self, name: &str) -> Option<PathBuf> {
        let file = format!("lib{name}.so");
        self.library_folders()
            .map(|folder| folder.join(&file))
            .find(|path| path.is_file())
    }

    /// `lib{name}.so` or `lib{name}.so.N` in a library folder, or in what `ldconfig -p` printed.
    pub(super) fn loadable(&self, name: &str, ldconfig: &str) -> Option<PathBuf> {
        let matches = |file: &str| is_library(file, name);
        let mut known = ldconfig.lines().filter_map(|line| line.split_once(" => "));
        let known = known.find(|(left, _)| left.split_whitespace().next().is_some_and(matches));
        if let Some((_, path)) = known {
            return Some(PathBuf::from(path.trim()));
        }
        // A stub is for the linker; programs cannot run with it.
        let real = self
            .library_folders()
            .filter(|folder| !folder.ends_with("stubs"));
        real.filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(Iterator::flatten)
            .filter(|entry| matches(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            // Follows links, which may be broken.
            .find(|path| path.is_file())
    }

    fn library_folders(&self) -> impl Iterator<Item = PathBuf> {
        let inside = |toolkit: &PathBuf| LIBRARY_FOLDERS.map(|folder| toolkit.join(folder));
        self.toolkits
            .iter()
            .flat_map(inside)
            .chain(self.libraries.iter().cloned())
    }
}

/// Whether `file` is `lib{name}.so` or that followed by a version.
fn is_library(file: &str, name: &str) -> bool {
    let rest = file
        .strip_prefix("lib")
        .and_then(|file| file.strip_prefix(name));
    rest.and_then(|rest| rest.strip_prefix(".so"))
        .is_some_and(|version| version.is_empty() || version.starts_with('.'))
}

/// The release in what `nvcc --version` prints, such as 13.0.
pub(super) fn release(printed: &str) -> Option<&str> {
    let (_, after) = printed.split_once("release ")?;
    let release = after.split(',').next()?.trim();
    release
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some(release)
}

/// A compute capability in the form of CUDA_COMPUTE_CAP: `8.0`, `80` and `sm_80` are all 80.
pub(super) fn parse_capability(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches("sm_");
    let digits: String = text.trim_end_matches(['a', 'f']).replace('.', "");
    let capability = digits.parse().ok()?;
    let capability = if capability < 20 {
        capability * 10
    } else {
        capability
    };
    (30..1000).contains(&capability).then_some(capability)
}

/// The output of `nvcc --version`; empty if it cannot be run.
pub(super) fn nvcc_version(nvcc: &Path) -> String {
    printed_by(Command::new(nvcc).arg("--version")).unwrap_or_default()
}

/// The output of `ldconfig -p`; empty if there is none.
pub(super) fn ldconfig() -> String {
    let paths = ["ldconfig", "/sbin/ldconfig"];
    paths
        .iter()
        .find_map(|path| printed_by(Command::new(path).arg("-p")))
        .unwrap_or_default()
}

/// The GPU's compute capability and its source: CUDA_COMPUTE_CAP, or else nvidia-smi.
pub(super) fn compute_capability() -> Result<(u32, &'static str), String> {
    if let Ok(text) = env::var("CUDA_COMPUTE_CAP") {
        return parse_capability(&text)
            .map(|found| (found, "CUDA_COMPUTE_CAP"))
            .ok_or_else(|| {
                format!("CUDA_COMPUTE_CAP is {text:?}, expected a number such as 80; set it so")
            });
    }
    let query = ["--query-gpu=compute_cap", "--format=csv,noheader"];
    let printed = printed_by(Command::new("nvidia-smi").args(query));
    let found = printed
        .as_deref()
        .and_then(|text| parse_capability(text.lines().next()?));
    found.map(|found| (found, "nvidia-smi")).ok_or_else(|| {
        "nvidia-smi reports no GPU; set CUDA_COMPUTE_CAP to that of the GPU to build for \
         (80 for an A100, 86 for an RTX 30, 89 for an RTX 40, 90 for an H100)"
            .to_owned()
    })
}

fn printed_by(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn nvcc_is_found_in_a_toolkit_before_the_path_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (home, bin) = (folder.path().join("cuda"), folder.path().join("bin"));
        let places = Places {
            toolkits: vec![home.clone()],
            programs: vec![bin.clone()],
            ..Places::default()
        };
        assert_eq!(places.nvcc(), None);
        let name = format!("nvcc{}", env::consts::EXE_SUFFIX);
        let on_path = touch(&bin, &name);
        assert_eq!(places.nvcc(), Some(on_path));
        let in_toolkit = touch(&home, &format!("bin/{name}"));
        assert_eq!(places.nvcc(), Some(in_toolkit));
    }

    #[test]
    fn the_linker_needs_the_name_without_a_version() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            toolkits: vec![folder.path().into()],
            ..Places::default()
        };
        touch(folder.path(), "lib/libcudart.so.13");
        assert_eq!(places.linkable("cudart"), None);
        let found = touch(folder.path(), "lib/libcudart.so");
        assert_eq!(places.linkable("cudart"), Some(found));
    }

    #[test]
    fn a_stub_is_for_linking_and_not_for_running() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            toolkits: vec![folder.path().into()],
            ..Places::default()
        };
        let stub = touch(folder.path(), "lib64/stubs/libcuda.so");
        assert_eq!(places.linkable("cuda"), Some(stub));
        assert_eq!(places.loadable("cuda", ""), None);
    }

    #[test]
    fn a_library_to_run_with_is_found_by_ldconfig_or_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            libraries: vec![folder.path().into()],
            ..Places::default()
        };
        let ldconfig = "\tlibcudadebugger.so.1 (libc6,x86-64) => /x/libcudadebugger.so.1\n\
                        \tlibcuda.so.1 (libc6,x86-64) => /x/libcuda.so.1\n";
        assert_eq!(
            places.loadable("cuda", ldconfig),
            Some("/x/libcuda.so.1".into())
        );
        assert_eq!(places.loadable("cublas", ldconfig), None);
        touch(folder.path(), "libcublasLt.so.13");
        assert_eq!(places.loadable("cublas", ldconfig), None);
        let found = touch(folder.path(), "libcublas.so.13");
        assert_eq!(places.loadable("cublas", ldconfig), Some(found));
    }

    #[test]
    fn the_release_is_read_from_nvccs_own_words() {
        let printed = "nvcc: NVIDIA (R) Cuda compiler driver\n\
                       Cuda compilation tools, release 13.0, V13.0.88\n";
        assert_eq!(release(printed), Some("13.0"));
        assert_eq!(release("gcc 12"), None);
        assert_eq!(release("release candidate"), None);
    }

    #[test]
    fn capabilities_are_read_in_every_spelling() {
        for (text, expected) in [
            ("8.0", 80),
            ("80\n", 80),
            ("sm_90a", 90),
            ("9.0", 90),
            ("12.0", 120),
            ("121f", 121),
        ] {
            assert_eq!(parse_capability(text), Some(expected), "{text}");
        }
        for text in ["", "A100", "-80", "[N/A]", "2.0.1.5.7"] {
            assert_eq!(parse_capability(text), None, "{text}");
        }
    }
}
