/* A signal trampoline right behind a function, once with a name and once without. */
  .text
  .globl before
  .type before, @function
before:                      /* 0x00 … 0x10 */
  .skip 0x10, 0x90
  .size before, 0x10
  .type restore, @function
restore:                     /* 0x10 … 0x19 */
  .byte 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05
  .size restore, 9
  .skip 7, 0x90
  .globl again
  .type again, @function
again:                       /* 0x20 … 0x30 */
  .skip 0x10, 0x90
  .size again, 0x10
                             /* 0x30 … 0x39, nameless */
  .byte 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05
  .skip 7, 0x90
                             /* 0x40: nearly one, nameless */
  .byte 0x48, 0xc7, 0xc0, 0x0e, 0, 0, 0, 0x0f, 0x05
  .section .note.GNU-stack, "", @progbits
