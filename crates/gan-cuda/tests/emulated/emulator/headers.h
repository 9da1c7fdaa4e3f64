// What the prelude needs of C++. Compiled once: to read it takes longer than a kernel.

#include <csetjmp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ucontext.h>
#include <utility>
#include <vector>
