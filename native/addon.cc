// The addon: libbpf and perf_event_open for JavaScript. Arguments in, system calls, bytes out; what to sample and
// what it means is decided in src/capture. Everything that is open belongs to an object and is gone with
// close(), with the object's collection, or with the process: nothing is pinned, no thread is started.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <napi.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../bpf/records.h"
#include "alarm.h"
#include "kernel_names.h"
#include "walk.h"

namespace {

const size_t kChunkBytes = PROFILER_CHUNK_BYTES, kMaxFrames = PROFILER_MAX_WALK + 1;

const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

// What libbpf said last: its warnings hold the cause of a failed load.
std::string libbpf_log;

int Log(enum libbpf_print_level level, const char *format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[1024];
  vsnprintf(line, sizeof(line), format, arguments);
  libbpf_log += line;
  if (libbpf_log.size() > 64 << 10) libbpf_log.erase(0, 32 << 10);
  return 0;
}

// Error with `step` (what was tried), `errno` (a positive number) and `log` (libbpf's and the verifier's last words).
Napi::Error Failure(Napi::Env env, const std::string &step, int error, const std::string &log = "") {
  auto result = Napi::Error::New(env, step + ": " + strerror(error));
  result.Set("step", step);
  result.Set("errno", Napi::Number::New(env, error));
  result.Set("log", log);
  return result;
}

struct Bytes {
  uint8_t *data;
  size_t size;
};

Bytes ToBytes(const Napi::Value &value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw Napi::TypeError::New(value.Env(), "expected a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

uint32_t ToUint32(const Napi::Value &value) { return value.ToNumber().Uint32Value(); }

// Copies `length` bytes at `position` of a ring of `size` bytes (a power of two), which may wrap.
void CopyOut(uint8_t *to, const uint8_t *ring, size_t size, uint64_t position, size_t length) {
  size_t offset = position & (size - 1), first = std::min(length, size - offset);
  memcpy(to, ring + offset, first);
  memcpy(to + first, ring, length - first);
}

// A perf event on one CPU: sampled by a BPF program, or with a buffer of samples or sideband that JavaScript reads.
class PerfEvent : public Napi::ObjectWrap<PerfEvent> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "PerfEvent",
                       {InstanceMethod<&PerfEvent::Drain>("drain"), InstanceMethod<&PerfEvent::Enable>("enable"),
                        InstanceMethod<&PerfEvent::WriteTo>("writeTo"), InstanceMethod<&PerfEvent::Close>("close")});
  }

  // (attributes: Uint8Array, pid: number, cpu: number, pages: number): pages of buffer, a power of two, 0 for none
  explicit PerfEvent(const Napi::CallbackInfo &info) : Napi::ObjectWrap<PerfEvent>(info) {
    auto attributes = ToBytes(info[0]);
    size_t pages = ToUint32(info[3]);
    fd_ = static_cast<int>(syscall(SYS_perf_event_open, attributes.data, info[1].ToNumber().Int32Value(),
                                   info[2].ToNumber().Int32Value(), -1, PERF_FLAG_FD_CLOEXEC));
    if (fd_ < 0) throw Failure(info.Env(), "perf_event_open", errno);
    if (!pages) return;
    void *memory = mmap(nullptr, (pages + 1) * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (memory == MAP_FAILED) {
      int error = errno;
      Release();
      throw Failure(info.Env(), "mmap of the perf buffer", error);
    }
    page_ = static_cast<perf_event_mmap_page *>(memory);
    size_ = pages * kPage;
  }

  ~PerfEvent() override { Release(); }

  int fd() const { return fd_; }

  // The link owns the descriptor from here on and closes it.
  void Own(bpf_link *link) {
    link_ = link;
    fd_ = -1;
  }

 private:
  // (into: Uint8Array): number of bytes copied; whole records only
  Napi::Value Drain(const Napi::CallbackInfo &info) {
    auto into = ToBytes(info[0]);
    size_t used = 0;
    if (page_) {
      auto ring = reinterpret_cast<uint8_t *>(page_) + kPage;
      uint64_t head = __atomic_load_n(&page_->data_head, __ATOMIC_ACQUIRE), tail = page_->data_tail;
      while (tail < head) {
        perf_event_header header;
        CopyOut(reinterpret_cast<uint8_t *>(&header), ring, size_, tail, sizeof(header));
        if (header.size < sizeof(header) || used + header.size > into.size) break;
        CopyOut(into.data + used, ring, size_, tail, header.size);
        used += header.size;
        tail += header.size;
      }
      __atomic_store_n(&page_->data_tail, tail, __ATOMIC_RELEASE);
    }
    return Napi::Number::New(info.Env(), static_cast<double>(used));
  }

  // starts it, in the children that have inherited it too
  Napi::Value Enable(const Napi::CallbackInfo &info) {
    if (ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0)) throw Failure(info.Env(), "start of a perf event", errno);
    return info.Env().Undefined();
  }

  // (other: PerfEvent): its records go into the buffer of another event of the same CPU
  Napi::Value WriteTo(const Napi::CallbackInfo &info) {
    auto other = PerfEvent::Unwrap(info[0].ToObject());
    if (ioctl(fd_, PERF_EVENT_IOC_SET_OUTPUT, other->fd())) throw Failure(info.Env(), "share of a perf buffer", errno);
    return info.Env().Undefined();
  }

  Napi::Value Close(const Napi::CallbackInfo &info) {
    Release();
    return info.Env().Undefined();
  }

  void Release() {
    if (page_) munmap(page_, size_ + kPage);
    if (link_) bpf_link__destroy(link_);
    if (fd_ >= 0) close(fd_);
    page_ = nullptr;
    link_ = nullptr;
    fd_ = -1;
  }

  int fd_ = -1;
  bpf_link *link_ = nullptr;
  perf_event_mmap_page *page_ = nullptr;
  size_t size_ = 0;
};

// A loaded BPF object with its ring buffer.
class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "BpfObject",
                       {InstanceMethod<&BpfObject::Attach>("attach"), InstanceMethod<&BpfObject::Sample>("sample"),
                        InstanceMethod<&BpfObject::Drain>("drain"), InstanceMethod<&BpfObject::Counters>("counters"),
                        InstanceMethod<&BpfObject::Update>("update"), InstanceMethod<&BpfObject::Delete>("delete"),
                        InstanceMethod<&BpfObject::Take>("take"), InstanceMethod<&BpfObject::Memory>("memory"),
                        InstanceMethod<&BpfObject::AddInner>("addInner"), InstanceMethod<&BpfObject::Once>("once"),
                        InstanceMethod<&BpfObject::Close>("close")});
  }

  // (object: Uint8Array, rodata: Uint8Array, ring: string, ringBytes: number, programs: string[], preallocate: boolean)
  explicit BpfObject(const Napi::CallbackInfo &info) : Napi::ObjectWrap<BpfObject>(info) {
    try {
      Load(info);
    } catch (...) {
      Release();
      throw;
    }
  }

  ~BpfObject() override { Release(); }

 private:
  void Load(const Napi::CallbackInfo &info) {
    auto object = ToBytes(info[0]), rodata = ToBytes(info[1]);
    std::string ring = info[2].ToString();
    std::vector<char> verifier_log(64 << 10);
    libbpf_log.clear();

    bpf_object_open_opts options = {};
    options.sz = sizeof(options);
    options.object_name = "profiler";
    object_ = bpf_object__open_mem(object.data, object.size, &options);
    if (!object_) throw Failure(info.Env(), "bpf_object__open", errno, libbpf_log);

    bpf_program *program;
    bpf_object__for_each_program(program, object_) {
      bpf_program__set_log_buf(program, verifier_log.data(), verifier_log.size());
      bpf_program__set_autoload(program, false);
    }
    auto programs = info[4].As<Napi::Array>();
    for (uint32_t i = 0; i < programs.Length(); i++)
      bpf_program__set_autoload(Program(info.Env(), programs.Get(i).ToString()), true);
    bool preallocate = info[5].ToBoolean();
    bpf_map *map;
    bpf_object__for_each_map(map, object_) {
      if (preallocate) bpf_map__set_map_flags(map, bpf_map__map_flags(map) & ~BPF_F_NO_PREALLOC);
      // libbpf names it after the object: `profiler.rodata`
      if (bpf_map__is_internal(map) && strstr(bpf_map__name(map), ".rodata") &&
          bpf_map__set_initial_value(map, rodata.data, rodata.size))
        throw Failure(info.Env(), "set .rodata", errno, libbpf_log);
    }
    bpf_map *samples = Map(info.Env(), ring);
    bpf_map__set_max_entries(samples, ToUint32(info[3]));
    // A signal makes the verifier give up with EAGAIN, and V8's own profiler sends thousands a second.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = bpf_object__load(object_);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error)
      throw Failure(info.Env(), "bpf_object__load", -error, libbpf_log + verifier_log.data());

    // Consumer page, writable; then producer page and data, read-only. The kernel would map the data twice so that
    // records never wrap; once is enough, and half as much resident memory.
    int fd = bpf_map__fd(samples);
    ring_size_ = bpf_map__max_entries(samples);  // libbpf rounds it up to a power of two
    void *consumer = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED) throw Failure(info.Env(), "mmap of the ring buffer", errno);
    consumer_ = static_cast<uint64_t *>(consumer);
    void *producer = mmap(nullptr, kPage + ring_size_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(kPage));
    if (producer == MAP_FAILED) throw Failure(info.Env(), "mmap of the ring buffer", errno);
    producer_ = static_cast<uint64_t *>(producer);
  }

  bpf_map *Map(Napi::Env env, const std::string &name) {
    bpf_map *map = object_ ? bpf_object__find_map_by_name(object_, name.c_str()) : nullptr;
    if (!map) throw Failure(env, "find map " + name, ENOENT);
    return map;
  }

  bpf_program *Program(Napi::Env env, const std::string &name) {
    bpf_program *program = object_ ? bpf_object__find_program_by_name(object_, name.c_str()) : nullptr;
    if (!program) throw Failure(env, "find program " + name, ENOENT);
    return program;
  }

  // (program: string): attaches to what its section names
  Napi::Value Attach(const Napi::CallbackInfo &info) {
    std::string name = info[0].ToString();
    libbpf_log.clear();
    bpf_link *link = bpf_program__attach(Program(info.Env(), name));
    if (!link) throw Failure(info.Env(), "attach " + name, errno, libbpf_log);
    links_.push_back(link);
    return info.Env().Undefined();
  }

  // (program: string, event: PerfEvent): runs the program on every overflow of the event, and starts the event
  Napi::Value Sample(const Napi::CallbackInfo &info) {
    std::string name = info[0].ToString();
    auto event = PerfEvent::Unwrap(info[1].ToObject());
    libbpf_log.clear();
    bpf_link *link = bpf_program__attach_perf_event(Program(info.Env(), name), event->fd());
    if (!link) throw Failure(info.Env(), "attach " + name + " to the perf event", errno, libbpf_log);
    event->Own(link);
    return info.Env().Undefined();
  }

  // (into: Uint8Array): number of bytes copied; whole records end to end, without the ring's own headers
  Napi::Value Drain(const Napi::CallbackInfo &info) {
    auto into = ToBytes(info[0]);
    size_t used = 0;
    if (producer_) {
      auto ring = reinterpret_cast<uint8_t *>(producer_) + kPage;
      uint64_t position = *consumer_, end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
      while (position < end) {
        // linux/bpf.h: a 32-bit length with two flag bits leads each record, which is padded to 8 bytes.
        auto header = reinterpret_cast<uint32_t *>(ring + (position & (ring_size_ - 1)));
        uint32_t word = __atomic_load_n(header, __ATOMIC_ACQUIRE);
        if (word & BPF_RINGBUF_BUSY_BIT) break;
        uint32_t length = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
          if (used + length > into.size) break;
          CopyOut(into.data + used, ring, ring_size_, position + BPF_RINGBUF_HDR_SZ, length);
          used += length;
        }
        position += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
      }
      __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
    }
    return Napi::Number::New(info.Env(), static_cast<double>(used));
  }

  // (ring: string, call: () => void): calls once when a program puts something into the ring from now on
  Napi::Value Once(const Napi::CallbackInfo &info) {
    if (!alarm_) alarm_ = Alarm::Open(info.Env(), bpf_map__fd(Map(info.Env(), info[0].ToString())));
    if (!alarm_) throw Failure(info.Env(), "watch a ring buffer", errno);
    alarm_->Set(info[1].As<Napi::Function>());
    return info.Env().Undefined();
  }

  // (map: string, into: Float64Array): a per-CPU array of 64-bit counters, each summed over the CPUs
  Napi::Value Counters(const Napi::CallbackInfo &info) {
    bpf_map *map = Map(info.Env(), info[0].ToString());
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
      throw Napi::TypeError::New(info.Env(), "expected a Float64Array");
    auto into = info[1].As<Napi::Float64Array>();
    std::vector<uint64_t> values(static_cast<size_t>(libbpf_num_possible_cpus()));
    for (uint32_t index = 0; index < into.ElementLength(); index++) {
      if (bpf_map_lookup_elem(bpf_map__fd(map), &index, values.data()))
        throw Failure(info.Env(), "read counters", errno);
      double sum = 0;
      for (uint64_t value : values) sum += static_cast<double>(value);
      into[index] = sum;
    }
    return info.Env().Undefined();
  }

  // (map: string, key: Uint8Array, value: Uint8Array, flags: number): false when the flags forbid it: BPF_NOEXIST for
  // a key that is there, BPF_EXIST for one that is not
  Napi::Value Update(const Napi::CallbackInfo &info) {
    bpf_map *map = Map(info.Env(), info[0].ToString());
    auto key = ToBytes(info[1]), value = ToBytes(info[2]);
    uint32_t flags = ToUint32(info[3]);
    int error = bpf_map__update_elem(map, key.data, key.size, value.data, value.size, flags);
    bool forbidden = (flags == BPF_NOEXIST && error == -EEXIST) || (flags == BPF_EXIST && error == -ENOENT);
    if (error && !forbidden) throw Failure(info.Env(), "update map", -error);
    return Napi::Boolean::New(info.Env(), !error);
  }

  // (map: string, key: Uint8Array); a key that is not there is fine
  Napi::Value Delete(const Napi::CallbackInfo &info) {
    bpf_map *map = Map(info.Env(), info[0].ToString());
    auto key = ToBytes(info[1]);
    int error = bpf_map__delete_elem(map, key.data, key.size, 0);
    if (error && error != -ENOENT) throw Failure(info.Env(), "delete from map", -error);
    return info.Env().Undefined();
  }

  // (map: string, into: Uint8Array, keySize: number): removes keys from the map and hands them over; their number
  Napi::Value Take(const Napi::CallbackInfo &info) {
    bpf_map *map = Map(info.Env(), info[0].ToString());
    auto into = ToBytes(info[1]);
    size_t size = ToUint32(info[2]), count = 0;
    while ((count + 1) * size <= into.size && !bpf_map__get_next_key(map, nullptr, into.data + count * size, size)) {
      bpf_map__delete_elem(map, into.data + count * size, size, 0);
      count++;
    }
    return Napi::Number::New(info.Env(), static_cast<double>(count));
  }

  // The values of an array map as memory that is shared with the kernel. It outlives the object.
  static Napi::Value Mapped(Napi::Env env, int fd, size_t size) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) throw Failure(env, "mmap of a map", errno);
    auto buffer = Napi::ArrayBuffer::New(env, memory, size, [size](Napi::Env, void *data) { munmap(data, size); });
    return Napi::Uint8Array::New(env, size, buffer, 0);
  }

  // (map: string, bytes: number): the first bytes of an array map, a Uint8Array
  Napi::Value Memory(const Napi::CallbackInfo &info) {
    return Mapped(info.Env(), bpf_map__fd(Map(info.Env(), info[0].ToString())), ToUint32(info[1]));
  }

  // (map: string, indices: Uint32Array, bytes: number): makes arrays of one value of `bytes` bytes, and puts them into the
  // map of maps: in one call, since the kernel waits for running programs after each one. Returns functions that map
  // them, (() => Uint8Array)[]: what is mapped counts as resident memory, used or not.
  Napi::Value AddInner(const Napi::CallbackInfo &info) {
    int outer = bpf_map__fd(Map(info.Env(), info[0].ToString()));
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
      throw Napi::TypeError::New(info.Env(), "expected a Uint32Array");
    auto indices = info[1].As<Napi::Uint32Array>();
    uint32_t bytes = ToUint32(info[2]), count = static_cast<uint32_t>(indices.ElementLength());
    struct Descriptor {
      int fd;
      void Close() {
        if (fd >= 0) close(fd);
        fd = -1;
      }
      ~Descriptor() { Close(); }
    };
    std::vector<int> inner;
    auto mappers = Napi::Array::New(info.Env());
    bpf_map_create_opts create = {};
    create.sz = sizeof(create);
    create.map_flags = BPF_F_MMAPABLE;
    for (uint32_t i = 0; i < count; i++) {
      int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "profiler_inner", sizeof(uint32_t), bytes, 1, &create);
      if (fd < 0) throw Failure(info.Env(), "create map", -fd);
      std::shared_ptr<Descriptor> descriptor(new Descriptor{fd});
      inner.push_back(fd);
      mappers.Set(i, Napi::Function::New(info.Env(), [descriptor, bytes](const Napi::CallbackInfo &call) {
        auto memory = Mapped(call.Env(), descriptor->fd, bytes);
        descriptor->Close();  // the memory holds the map, as the map of maps does
        return memory;
      }));
    }
    bpf_map_batch_opts batch = {};
    batch.sz = sizeof(batch);
    uint32_t done = count;
    int error = bpf_map_update_batch(outer, indices.Data(), inner.data(), &done, &batch);
    if (error) {  // a kernel that has no batches for maps of maps
      for (uint32_t i = 0; i < count; i++) {
        error = bpf_map_update_elem(outer, &indices.Data()[i], &inner[i], BPF_ANY);
        if (error) throw Failure(info.Env(), "update map of maps", -error);
      }
    }
    return mappers;
  }

  Napi::Value Close(const Napi::CallbackInfo &info) {
    Release();
    return info.Env().Undefined();
  }

  void Release() {
    if (alarm_) alarm_->Close();
    alarm_ = nullptr;
    if (consumer_) munmap(consumer_, kPage);
    if (producer_) munmap(producer_, kPage + ring_size_);
    for (bpf_link *link : links_) bpf_link__destroy(link);
    if (object_) bpf_object__close(object_);
    consumer_ = producer_ = nullptr;
    links_.clear();
    object_ = nullptr;
  }

  bpf_object *object_ = nullptr;
  std::vector<bpf_link *> links_;
  Alarm *alarm_ = nullptr;
  uint64_t *consumer_ = nullptr, *producer_ = nullptr;
  size_t ring_size_ = 0;
};

class KernelNames : public Napi::ObjectWrap<KernelNames> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "KernelNames", {InstanceMethod<&KernelNames::At>("at")});
  }

  explicit KernelNames(const Napi::CallbackInfo &info) : Napi::ObjectWrap<KernelNames>(info) {
    std::string log(16 << 10, 0);
    int error = kernel_names_open(&names_, log.data(), log.size());
    if (!error) return;
    kernel_names_close(&names_);
    throw Failure(info.Env(), "load the names of the kernel", error, log.c_str());
  }

  ~KernelNames() override { kernel_names_close(&names_); }

 private:
  // (address: number): string; see kernel_names_at. '' when the kernel refuses: capabilities may have been given up.
  Napi::Value At(const Napi::CallbackInfo &info) {
    const char *text = kernel_names_at(&names_, static_cast<uint64_t>(info[0].ToNumber().Int64Value()));
    return Napi::String::New(info.Env(), text ? text : "");
  }

  kernel_names names_;
};

// (snapshot: Uint8Array, chunks: (Uint8Array | undefined)[], files: Uint8Array, mappings: number, count: number,
// framePointers: boolean): walks the stack of a snapshot, which is registers and stack bytes as bpf/records.h has them,
// and puts the frames into their place. Returns enum profiler_unwind_end in the low 8 bits, the number of frames above.
Napi::Value Walk(const Napi::CallbackInfo &info) {
  auto snapshot = ToBytes(info[0]), files = ToBytes(info[2]);
  auto list = info[1].As<Napi::Array>();
  std::vector<const unsigned char *> chunks(list.Length());
  for (uint32_t i = 0; i < chunks.size(); i++) {
    Napi::Value chunk = list.Get(i);
    if (!chunk.IsUndefined() && ToBytes(chunk).size == kChunkBytes) chunks[i] = ToBytes(chunk).data;
  }
  uint64_t registers[WALK_REGISTERS], frames[kMaxFrames];
  if (snapshot.size < sizeof(registers)) throw Napi::RangeError::New(info.Env(), "the snapshot has no registers");
  memcpy(registers, snapshot.data, sizeof(registers));
  walk_memory memory = {chunks.data(), chunks.size(), files.data, files.size / sizeof(profiler_unwind_file),
                        snapshot.data + sizeof(registers), snapshot.size - sizeof(registers), registers[1]};
  uint32_t depth = 0;
  uint32_t end = walk_stack(&memory, registers, ToUint32(info[3]), ToUint32(info[4]), info[5].ToBoolean(), frames, &depth);
  depth = std::min<uint32_t>(depth, snapshot.size / sizeof(uint64_t));
  memcpy(snapshot.data, frames, depth * sizeof(uint64_t));
  return Napi::Number::New(info.Env(), end | depth << 8);
}

// (): CPU time of the children that have ended, and of theirs that they waited for, in µs
Napi::Value ChildrenCpu(const Napi::CallbackInfo &info) {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  auto microseconds = [](const timeval &time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
  return Napi::Number::New(info.Env(), microseconds(usage.ru_utime) + microseconds(usage.ru_stime));
}

// (address: number, bytes: number): gives back pages of a file that nobody has written to; they are read again when they
// are needed. Anything else that lies there is lost.
void GiveBack(const Napi::CallbackInfo &info) {
  auto *pages = reinterpret_cast<void *>(info[0].ToNumber().Int64Value());
  madvise(pages, static_cast<size_t>(info[1].ToNumber().Int64Value()), MADV_DONTNEED);
}

// (status: number): ends the process at once; see its use for the reason
void Exit(const Napi::CallbackInfo &info) { _exit(info[0].ToNumber().Int32Value()); }

// (keep: number[], path: string, args: string[]): replaces this program by another one, which has no other capabilities
// than those of linux/capability.h in `keep`, and can get no more. Returns only by throwing. All threads of this
// program end; capabilities could not be dropped in those that run already.
void Confine(const Napi::CallbackInfo &info) {
  auto keep = info[0].As<Napi::Array>(), list = info[2].As<Napi::Array>();
  uint64_t kept = 0;
  for (uint32_t i = 0; i < keep.Length(); i++) kept |= 1ull << (ToUint32(keep.Get(i)) & 63);
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
    if (!(kept >> cap & 1) && prctl(PR_CAPBSET_DROP, cap)) throw Failure(info.Env(), "drop capabilities", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) throw Failure(info.Env(), "no new privileges", errno);
  std::string path = info[1].ToString();
  std::vector<std::string> args(list.Length());
  std::vector<char *> argv;
  for (uint32_t i = 0; i < args.size(); i++) args[i] = list.Get(i).ToString();
  for (std::string &arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFD, 0);  // Node.js marks them to be closed
  execv(path.c_str(), argv.data());
  throw Failure(info.Env(), "exec", errno);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  libbpf_set_print(Log);
  exports.Set("BpfObject", BpfObject::Define(env));
  exports.Set("PerfEvent", PerfEvent::Define(env));
  exports.Set("KernelNames", KernelNames::Define(env));
  exports.Set("walk", Napi::Function::New<Walk>(env, "walk"));
  exports.Set("childrenCpu", Napi::Function::New<ChildrenCpu>(env, "childrenCpu"));
  exports.Set("giveBack", Napi::Function::New<GiveBack>(env, "giveBack"));
  exports.Set("exit", Napi::Function::New<Exit>(env, "exit"));
  exports.Set("confine", Napi::Function::New<Confine>(env, "confine"));
  return exports;
}

}  // namespace

NODE_API_MODULE(profiler, Init)
