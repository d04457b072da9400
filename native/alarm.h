// Waits in the event loop of Node.js until a BPF program puts something into a ring buffer, of which only that it did is
// of interest.
#ifndef PROFILER_ALARM_H
#define PROFILER_ALARM_H

#include <napi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

// What is used of libuv 1, which Node.js exports. Its headers are not everywhere where Node.js is; sizes and fields, which
// differ from one version to the next, are left to its functions.
extern "C" {
struct uv_handle_s;
size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle_s *handle, void *data);
void *uv_handle_get_data(const uv_handle_s *handle);
int uv_poll_init(uv_loop_s *loop, uv_handle_s *handle, int fd);
int uv_poll_start(uv_handle_s *handle, int events, void (*call)(uv_handle_s *handle, int status, int events));
int uv_poll_stop(uv_handle_s *handle);
void uv_unref(uv_handle_s *handle);
void uv_close(uv_handle_s *handle, void (*closed)(uv_handle_s *handle));
}

class Alarm {
 public:
  // nullptr when the kernel refuses; errno says why
  static Alarm *Open(Napi::Env env, int ring) {
    const int kPollHandle = 8;  // UV_POLL
    const size_t page = PageSize();
    void *consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
    if (consumer == MAP_FAILED) return nullptr;
    void *producer = mmap(nullptr, page, PROT_READ, MAP_SHARED, ring, static_cast<off_t>(page));
    if (producer == MAP_FAILED) {
      munmap(consumer, page);
      return nullptr;
    }
    auto handle = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(kPollHandle)));
    auto alarm = new Alarm(env, handle, consumer, producer);
    uv_loop_s *loop;
    if (handle && napi_get_uv_event_loop(env, &loop) == napi_ok) {
      int error = uv_poll_init(loop, handle, ring);
      if (!error) {
        uv_handle_set_data(handle, alarm);
        uv_unref(handle);
        return alarm;
      }
      errno = -error;
    }
    delete alarm;
    return nullptr;
  }

  // Calls once when something is put into the ring from now on.
  void Set(Napi::Function call) {
    const int kReadable = 1;  // UV_READABLE
    call_ = Napi::Persistent(call);
    __atomic_store_n(consumer_, __atomic_load_n(producer_, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    uv_poll_start(handle_, kReadable, Ring);
  }

  // Calls no more, and deletes it at the next turn of the loop.
  void Close() {
    call_.Reset();
    uv_close(handle_, [](uv_handle_s *handle) { delete static_cast<Alarm *>(uv_handle_get_data(handle)); });
  }

 private:
  Alarm(Napi::Env env, uv_handle_s *handle, void *consumer, void *producer)
      : env_(env),
        handle_(handle),
        consumer_(static_cast<uint64_t *>(consumer)),
        producer_(static_cast<uint64_t *>(producer)) {}

  ~Alarm() {
    munmap(consumer_, PageSize());
    munmap(producer_, PageSize());
    free(handle_);
  }

  static size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

  static void Ring(uv_handle_s *handle, int, int) {
    auto alarm = static_cast<Alarm *>(uv_handle_get_data(handle));
    uv_poll_stop(handle);
    Napi::HandleScope scope(alarm->env_);
    try {
      alarm->call_.MakeCallback(alarm->env_.Global(), {});
    } catch (const Napi::Error &error) {
      napi_fatal_exception(alarm->env_, error.Value());
    }
  }

  Napi::Env env_;
  uv_handle_s *handle_;
  uint64_t *consumer_, *producer_;
  Napi::FunctionReference call_;
};

#endif
