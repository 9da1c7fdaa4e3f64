//! A machine that runs the kernels' own source on the CPU.

use gan_cuda::{Argument, CudaError, Launch, Machine, Module, Place};
use libloading::Library;
use std::collections::{HashMap, HashSet};
use std::ffi::{CString, c_char, c_void};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

const PRELUDE: &str = include_str!("prelude.cpp");
const HEADERS: &str = include_str!("headers.h");

/// The compiler's options; the headers are compiled with the same ones.
const OPTIONS: [&str; 7] = [
    "-std=c++17",
    "-O1",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-fPIC",
    "-w",
    "-U_FORTIFY_SOURCE",
];

/// A kernel that can be called: the launch, a pointer to each argument, and their types.
type Call = unsafe extern "C" fn(*const Configuration, *mut *mut c_void, *const c_char) -> i32;

/// `emulation::Launch`.
#[repr(C)]
struct Configuration {
    grid: [u32; 3],
    threads: u32,
    shared_bytes: u32,
    order: u32,
}

/// A library has one block's shared memory and threads: one test runs a kernel at a time.
static RUNNING: Mutex<()> = Mutex::new(());

/// Tests share modules: one test compiles at a time.
static COMPILING: Mutex<()> = Mutex::new(());

/// Memory and kernels on the CPU.
pub(crate) struct Emulator {
    /// From `begin` on, so that places are aligned.
    memory: Vec<u8>,
    begin: usize,
    folder: PathBuf,
    libraries: HashMap<Arc<Module>, Library>,
    sequences: Vec<Vec<Launch>>,
    /// 0: a block's threads take turns in their order; else a number that shuffles it.
    order: u32,
}

/// Whether there is a C++ compiler; if not, says that a test is left out.
pub(crate) fn has_compiler() -> bool {
    let found = Command::new("c++").arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("left out: there is no C++ compiler `c++` to run kernels on the CPU with");
    }
    found
}

impl Emulator {
    pub(crate) fn new(folder: &Path, order: u32) -> Self {
        Self {
            memory: Vec::new(),
            begin: 0,
            folder: folder.to_path_buf(),
            libraries: HashMap::new(),
            sequences: Vec::new(),
            order,
        }
    }

    /// Compiles the modules of some launches, two at a time.
    fn compile(&mut self, launches: &[Launch]) {
        let modules = launches.iter().map(|launch| Arc::clone(&launch.module));
        let wanted: HashSet<_> = modules
            .filter(|module| !self.libraries.contains_key(module))
            .collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let _compiling = COMPILING.lock().unwrap_or_else(PoisonError::into_inner);
        compile_headers(&self.folder);
        for some in wanted.chunks(2) {
            let started = some.iter().map(|module| {
                let path = self.folder.join(format!("{}.so", module.sha256(PRELUDE)));
                (Arc::clone(module), start_compiler(module, &path), path)
            });
            for (module, child, path) in started.collect::<Vec<_>>() {
                if let Some(child) = child {
                    let output = child.wait_with_output().unwrap();
                    let log = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{module:?}: {log}");
                }
                // SAFETY: the library is of the kernels' own source; loading it runs no code of its own.
                #[allow(unsafe_code)]
                let library = unsafe { Library::new(&path) }.unwrap();
                self.libraries.insert(module, library);
            }
        }
    }

    fn run(&mut self, launch: &Launch) {
        let mut values: Vec<u64> = Vec::new();
        for argument in &launch.arguments {
            values.push(match argument {
                Argument::In(place) | Argument::Out(place) => {
                    self.place(*place).as_mut_ptr() as u64
                }
                Argument::None => 0,
                Argument::U32(value) => u64::from(*value),
                Argument::U64(value) => *value,
                Argument::F32(value) => u64::from(value.to_bits()),
                Argument::F64(value) => value.to_bits(),
            });
        }
        let mut pointers: Vec<*mut c_void> = values
            .iter_mut()
            .map(|value| std::ptr::from_mut(value).cast())
            .collect();
        let configuration = Configuration {
            grid: launch.grid,
            threads: launch.module.threads,
            shared_bytes: launch.shared_bytes,
            order: self.order,
        };
        let types: String = launch.arguments.iter().map(type_of).collect();
        let types = CString::new(types).unwrap();
        let name = format!("call_{}", launch.kernel);
        let library = &self.libraries[&launch.module];
        let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the function has this type and checks those of the arguments, of 8 bytes or fewer behind each pointer;
        // the places that it is given lie in the memory.
        #[allow(unsafe_code)]
        let result = unsafe {
            let call = library.get::<Call>(name.as_bytes()).unwrap();
            call(&configuration, pointers.as_mut_ptr(), types.as_ptr())
        };
        match result {
            0 => {}
            1 => panic!("{}: some threads wait for ever", launch.kernel),
            _ => panic!("{}: other arguments than {types:?}", launch.kernel),
        }
    }

    fn place(&mut self, place: Place) -> &mut [u8] {
        &mut self.memory[self.begin + place.offset..][..place.bytes]
    }
}

/// As the emulation's `type_of` has it.
fn type_of(argument: &Argument) -> char {
    match argument {
        Argument::In(_) | Argument::Out(_) | Argument::None => 'p',
        Argument::U32(_) => 'u',
        Argument::U64(_) => 'U',
        Argument::F32(_) => 'f',
        Argument::F64(_) => 'd',
    }
}

/// The names of a source's kernels.
fn kernels(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("KERNEL ").skip(1);
    after.filter_map(|rest| rest.split('(').next())
}

/// Makes the headers ready for all modules.
fn compile_headers(folder: &Path) {
    let headers = folder.join("headers.h");
    if std::fs::read_to_string(&headers).is_ok_and(|text| text == HEADERS) {
        return;
    }
    std::fs::write(&headers, HEADERS).unwrap();
    let mut command = Command::new("c++");
    command
        .args(OPTIONS)
        .args(["-x", "c++-header"])
        .arg(&headers);
    assert!(command.status().unwrap().success());
}

fn start_compiler(module: &Module, path: &Path) -> Option<std::process::Child> {
    if path.exists() {
        return None;
    }
    let source = module.source();
    // The prelude needs the number of threads, which the source defines first.
    let mut text = format!(
        "{}\n{PRELUDE}\n{source}\n",
        source.lines().next().unwrap_or("")
    );
    // Which kernels the constants leave is known to the preprocessor.
    let left = match source.contains("\n#if") {
        true => preprocessed(&source),
        false => source.clone(),
    };
    for kernel in kernels(&left) {
        text.push_str(&format!(
            "extern \"C\" int call_{kernel}(const emulation::Launch* launch, void** arguments, const char* types) {{ \
             return emulation::launch({kernel}, launch, arguments, types); }}\n"
        ));
    }
    let file = path.with_extension("cpp");
    std::fs::write(&file, text).unwrap();
    let child = Command::new("c++")
        .args(OPTIONS)
        .args(["-shared", "-o"])
        .arg(path)
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn();
    Some(child.unwrap())
}

/// A source as the preprocessor leaves it, which does not know the prelude's names.
fn preprocessed(source: &str) -> String {
    let mut child = Command::new("c++")
        .args(["-E", "-P", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(source.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

impl Machine for Emulator {
    fn allocate(&mut self, bytes: usize) -> Result<(), CudaError> {
        const ALIGNMENT: usize = 256;
        self.memory = vec![0; bytes + ALIGNMENT];
        self.begin = self.memory.as_ptr().align_offset(ALIGNMENT);
        Ok(())
    }

    fn write(&mut self, place: Place, bytes: &[u8]) -> Result<(), CudaError> {
        self.place(place)[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, place: Place) -> Result<Vec<u8>, CudaError> {
        Ok(self.place(place).to_vec())
    }

    fn prepare(&mut self, launches: &[Launch]) -> Result<usize, CudaError> {
        self.compile(launches);
        self.sequences.push(launches.to_vec());
        Ok(self.sequences.len() - 1)
    }

    fn start(&mut self, sequence: usize) -> Result<(), CudaError> {
        for launch in &self.sequences[sequence].clone() {
            self.run(launch);
        }
        Ok(())
    }
}
