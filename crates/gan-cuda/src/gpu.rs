//! An NVIDIA GPU as a machine: one memory, modules, and graphs of launches.

use crate::compiler::Compiler;
use crate::launch::{Argument, Launch, Module, Place};
use crate::libraries::{self, Places};
use crate::{CudaError, Machine};
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DevicePtr, DriverError, result, sys};
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::sync::Arc;

/// The oldest GPUs whose tensor cores multiply as the kernels do, compute capability 8.0: of 2020.
const OLDEST: u32 = 80;

const MIB: usize = 1 << 20;

/// A GPU of this machine.
pub struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    compiler: Compiler,
    facts: GpuFacts,
    memory: Option<CudaSlice<u8>>,
    /// The memory's first address.
    address: u64,
    modules: HashMap<Arc<Module>, sys::CUmodule>,
    graphs: Vec<Graph>,
}

/// A graph that can be launched.
struct Graph {
    graph: sys::CUgraph,
    executable: sys::CUgraphExec,
}

/// What a GPU is.
#[derive(Clone, Debug)]
pub struct GpuFacts {
    /// Its name.
    pub name: String,
    /// Its compute capability, such as 90 for 9.0.
    pub architecture: u32,
    /// Its memory in MiB, and what of it is free.
    pub memory_mib: [usize; 2],
    /// The newest CUDA that the driver knows.
    pub driver: (i32, i32),
}

impl GpuFacts {
    /// Of the GPU with a number, from 0.
    ///
    /// # Errors
    /// When there is no driver or no such GPU.
    pub fn of(ordinal: usize) -> Result<Self, CudaError> {
        let context = open(ordinal)?;
        Self::of_context(&context)
    }

    fn of_context(context: &CudaContext) -> Result<Self, CudaError> {
        let (major, minor) = failed("cuDeviceGetAttribute", context.compute_capability())?;
        let (free, all) = failed("cuMemGetInfo", context.mem_get_info())?;
        let mut version = 0;
        // SAFETY: the driver is open; the number is written to.
        #[allow(unsafe_code)]
        let result = unsafe { sys::cuDriverGetVersion(&raw mut version) };
        failed("cuDriverGetVersion", result.result())?;
        Ok(Self {
            name: failed("cuDeviceGetName", context.name())?,
            architecture: (major * 10 + minor).unsigned_abs(),
            memory_mib: [all / MIB, free / MIB],
            driver: (version / 1000, version % 1000 / 10),
        })
    }
}

/// Whether a GPU can be used: it, its compiler and so many bytes of memory are there.
///
/// # Errors
/// What is missing.
pub fn check(ordinal: usize, places: &Places, bytes: usize) -> Result<GpuFacts, CudaError> {
    let facts = Gpu::new(ordinal, places, None)?.facts.clone();
    let free = facts.memory_mib[1];
    match bytes.div_ceil(MIB) {
        needed if needed > free => Err(CudaError::Memory {
            free_mib: free,
            needed_mib: needed,
        }),
        _ => Ok(facts),
    }
}

fn open(ordinal: usize) -> Result<Arc<CudaContext>, CudaError> {
    libraries::check_driver()?;
    CudaContext::new(ordinal).map_err(|error| {
        CudaError::Missing(format!(
            "GPU number {ordinal} cannot be opened: {}; `nvidia-smi` lists those that there are",
            words(error)
        ))
    })
}

/// A driver's error in its words.
fn words(error: DriverError) -> String {
    let name = error.error_name().ok();
    let text = error.error_string().ok();
    let both =
        [name, text].map(|text| text.map_or(String::new(), |t| t.to_string_lossy().into_owned()));
    match both.iter().all(String::is_empty) {
        true => format!("{error:?}"),
        false => both.join(": "),
    }
}

fn failed<T>(call: &'static str, result: Result<T, DriverError>) -> Result<T, CudaError> {
    result.map_err(|error| CudaError::Failed {
        call,
        cause: words(error),
    })
}

impl Gpu {
    /// The GPU with a number, from 0. cache: where machine code is kept.
    ///
    /// # Errors
    /// [`CudaError::Missing`] when the driver, the compiler or the GPU is missing, or too old.
    pub fn new(ordinal: usize, places: &Places, cache: Option<PathBuf>) -> Result<Self, CudaError> {
        let context = open(ordinal)?;
        let facts = GpuFacts::of_context(&context)?;
        if facts.architecture < OLDEST {
            return Err(CudaError::Missing(format!(
                "{} has compute capability {}, expected at least {}: its tensor cores cannot multiply as the kernels do",
                facts.name,
                f64::from(facts.architecture) / 10.0,
                f64::from(OLDEST) / 10.0
            )));
        }
        let compiler = Compiler::new(
            places,
            facts.driver.0.unsigned_abs(),
            facts.architecture,
            cache,
        )?;
        if compiler.version().0 > facts.driver.0 {
            let ((major, minor), (known, _)) = (compiler.version(), facts.driver);
            return Err(CudaError::Missing(format!(
                "NVRTC is of CUDA {major}.{minor}, but the driver knows CUDA up to {known}; update the driver, or \
                 install NVRTC of CUDA {known}"
            )));
        }
        // SAFETY: one stream does all the work, in order; nothing needs events.
        #[allow(unsafe_code)]
        unsafe {
            context.disable_event_tracking();
        }
        Ok(Self {
            stream: failed("cuStreamCreate", context.new_stream())?,
            context,
            compiler,
            facts,
            memory: None,
            address: 0,
            modules: HashMap::new(),
            graphs: Vec::new(),
        })
    }

    fn memory(&mut self, place: Place) -> Result<&mut CudaSlice<u8>, CudaError> {
        match &mut self.memory {
            Some(memory) if place.offset + place.bytes <= memory.len() => Ok(memory),
            _ => Err(CudaError::Failed {
                call: "access",
                cause: format!("{place:?} lies outside of the memory"),
            }),
        }
    }

    /// The kernel of a launch, whose module is compiled and loaded if it is not.
    #[allow(unsafe_code)]
    fn function(&mut self, launch: &Launch) -> Result<sys::CUfunction, CudaError> {
        let module = match self.modules.get(&launch.module) {
            Some(module) => *module,
            None => {
                let compiled = self.compiler.compile(&launch.module)?;
                let image = compiled.cubin.as_ptr().cast::<c_void>();
                // SAFETY: the context is bound to this thread, and the image is a whole ELF file, which is copied.
                let module = unsafe { result::module::load_data(image) };
                let module = failed("cuModuleLoadData", module)?;
                self.modules.insert(Arc::clone(&launch.module), module);
                module
            }
        };
        let name = CString::new(launch.kernel).unwrap_or_default();
        // SAFETY: the module is loaded and stays so as long as this GPU is in use.
        let function = unsafe { result::module::get_function(module, name) };
        failed("cuModuleGetFunction", function)
    }

    /// A kernel's arguments, each in 8 bytes of which the kernel reads those of its type.
    fn values(&self, launch: &Launch) -> Vec<u64> {
        let value = |argument: &Argument| match argument {
            Argument::In(place) | Argument::Out(place) => self.address + place.offset as u64,
            Argument::None => 0,
            Argument::U32(value) => u64::from(*value),
            Argument::U64(value) => *value,
            Argument::F32(value) => u64::from(value.to_bits()),
            Argument::F64(value) => value.to_bits(),
        };
        launch.arguments.iter().map(value).collect()
    }

    /// The one place where a kernel is given work: adds a launch to a graph, behind those of `nodes` that it depends on.
    #[allow(unsafe_code)]
    fn add(
        &mut self,
        graph: sys::CUgraph,
        launch: &Launch,
        after: &[sys::CUgraphNode],
    ) -> Result<sys::CUgraphNode, CudaError> {
        for (place, _) in launch.places() {
            self.memory(place)?;
        }
        let mut values = self.values(launch);
        let mut pointers: Vec<*mut c_void> = values
            .iter_mut()
            .map(|value| std::ptr::from_mut(value).cast())
            .collect();
        let [x, y, z] = launch.grid;
        let parameters = sys::CUDA_KERNEL_NODE_PARAMS {
            func: self.function(launch)?,
            gridDimX: x,
            gridDimY: y,
            gridDimZ: z,
            blockDimX: launch.module.threads,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: launch.shared_bytes,
            kernelParams: pointers.as_mut_ptr(),
            extra: std::ptr::null_mut(),
            kern: std::ptr::null_mut(),
            ctx: std::ptr::null_mut(),
        };
        let mut node = std::ptr::null_mut();
        // SAFETY: graph and nodes were made by the driver and live; the function is of a loaded module, and the plan's
        // tests call each kernel with the arguments that it declares; these are copied before the call returns. Every
        // place lies in the memory, which was just checked.
        let result = unsafe {
            sys::cuGraphAddKernelNode_v2(
                &raw mut node,
                graph,
                after.as_ptr(),
                after.len(),
                &raw const parameters,
            )
        };
        failed("cuGraphAddKernelNode", result.result())?;
        Ok(node)
    }
}

/// For each launch the latest ones that it must wait for: those that no other of them waits for.
pub(crate) fn dependencies(launches: &[Launch]) -> Vec<Vec<usize>> {
    // Whom each launch waits for, directly or through others.
    let mut all: Vec<Vec<bool>> = Vec::new();
    let mut direct = Vec::new();
    for (index, launch) in launches.iter().enumerate() {
        let mut waits = vec![false; index];
        let mut latest = Vec::new();
        for earlier in (0..index).rev() {
            if !waits[earlier] && launch.depends_on(&launches[earlier]) {
                latest.push(earlier);
                waits[earlier] = true;
                for (wait, of_earlier) in waits.iter_mut().zip(&all[earlier]) {
                    *wait |= of_earlier;
                }
            }
        }
        latest.reverse();
        direct.push(latest);
        all.push(waits);
    }
    direct
}

impl Machine for Gpu {
    fn allocate(&mut self, bytes: usize) -> Result<(), CudaError> {
        let (free, _) = failed("cuMemGetInfo", self.context.mem_get_info())?;
        let too_small = CudaError::Memory {
            free_mib: free / MIB,
            needed_mib: bytes.div_ceil(MIB),
        };
        if bytes > free {
            return Err(too_small);
        }
        let memory = self.stream.alloc_zeros::<u8>(bytes);
        let memory = memory.map_err(|_| too_small)?;
        let (address, _guard) = memory.device_ptr(&self.stream);
        self.address = address;
        drop(_guard);
        self.memory = Some(memory);
        Ok(())
    }

    fn write(&mut self, place: Place, bytes: &[u8]) -> Result<(), CudaError> {
        let stream = Arc::clone(&self.stream);
        let memory = self.memory(place)?;
        let bytes = &bytes[..bytes.len().min(place.bytes)];
        let mut part = memory.slice_mut(place.offset..place.offset + bytes.len());
        failed("cuMemcpyHtoD", stream.memcpy_htod(bytes, &mut part))?;
        // The bytes may be freed when this returns.
        failed("cuStreamSynchronize", stream.synchronize())
    }

    fn read(&mut self, place: Place) -> Result<Vec<u8>, CudaError> {
        let stream = Arc::clone(&self.stream);
        let memory = self.memory(place)?;
        let part = memory.slice(place.offset..place.offset + place.bytes);
        let bytes = failed("cuMemcpyDtoH", stream.clone_dtoh(&part))?;
        failed("cuStreamSynchronize", stream.synchronize())?;
        Ok(bytes)
    }

    #[allow(unsafe_code)]
    fn prepare(&mut self, launches: &[Launch]) -> Result<usize, CudaError> {
        failed("cuCtxSetCurrent", self.context.bind_to_thread())?;
        let mut graph = std::ptr::null_mut();
        // SAFETY: the context is bound to this thread; the graph is written to.
        let result = unsafe { sys::cuGraphCreate(&raw mut graph, 0) };
        failed("cuGraphCreate", result.result())?;
        let mut nodes: Vec<sys::CUgraphNode> = Vec::new();
        for (launch, after) in launches.iter().zip(dependencies(launches)) {
            let after: Vec<_> = after.iter().map(|index| nodes[*index]).collect();
            nodes.push(self.add(graph, launch, &after)?);
        }
        let flags = sys::CUgraphInstantiate_flags(0);
        // SAFETY: the graph was made above and is whole.
        let executable = unsafe { result::graph::instantiate(graph, flags) };
        let executable = failed("cuGraphInstantiate", executable)?;
        self.graphs.push(Graph { graph, executable });
        Ok(self.graphs.len() - 1)
    }

    #[allow(unsafe_code)]
    fn start(&mut self, sequence: usize) -> Result<(), CudaError> {
        let Some(graph) = self.graphs.get(sequence) else {
            return Err(CudaError::Failed {
                call: "start",
                cause: format!("there is no sequence {sequence}"),
            });
        };
        failed("cuCtxSetCurrent", self.context.bind_to_thread())?;
        // SAFETY: graph and stream are of the bound context and live.
        let result = unsafe { result::graph::launch(graph.executable, self.stream.cu_stream()) };
        failed("cuGraphLaunch", result)
    }
}

impl Drop for Gpu {
    /// The process goes on without it: what cannot be given back is the driver's to clean up.
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let _ = self.stream.synchronize();
        let _ = self.context.bind_to_thread();
        for graph in self.graphs.drain(..) {
            // SAFETY: the work is done, and nobody uses them any more.
            unsafe {
                let _ = result::graph::exec_destroy(graph.executable);
                let _ = result::graph::destroy(graph.graph);
            }
        }
        for module in self.modules.drain().map(|(_, module)| module) {
            // SAFETY: as above.
            unsafe {
                let _ = result::module::unload(module);
            }
        }
    }
}
