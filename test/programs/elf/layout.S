/* Symbols with and without sizes that overlap. Every instruction is one byte, so offsets are what they say. */
  .text
  .globl outer
  .type outer, @function
outer:                       /* 0x00 … 0x40 */
  .skip 0x10, 0x90
  .globl inner
  .type inner, @function
inner:                       /* 0x10 … 0x20, inside of outer */
  .skip 0x10, 0x90
  .size inner, 0x10
label_inside:                /* 0x20, a jump target of outer */
  .skip 0x08, 0x90
  .globl entry_inside
  .type entry_inside, @function
entry_inside:                /* 0x28, a function without a size, inside of outer */
  .skip 0x18, 0x90
  .size outer, 0x40
gap:                         /* 0x40 … 0x50: a label of its own, without a size */
  .skip 0x10, 0x90
  .globl first
  .type first, @function
first:                       /* 0x50 … 0x70 */
  .skip 0x10, 0x90
  .globl second
  .type second, @function
second:                      /* 0x60 … 0x80, overlaps first */
  .skip 0x20, 0x90
  .size first, 0x20
  .size second, 0x20
  .skip 0x08, 0x90           /* 0x80 … 0x88: nobody's */
  .type table, @object
table:                       /* 0x88 … 0x90: data among the code */
  .skip 0x08, 0x90
  .size table, 0x08
  .globl strong
  .weak weak
  .type strong, @function
  .type weak, @function
  .type near, @function
weak:                        /* 0x90 … 0xa0: five names */
near:
strong:
sized_label:
bare_label:
  .skip 0x10, 0x90
  .size weak, 0x10
  .size near, 0x10
  .size strong, 0x10
  .size sized_label, 0x10
  .globl large
  .type large, @function
  .type small, @function
large:                       /* 0xa0 … 0xc0 */
small:                       /* 0xa0 … 0xb0, the start of large */
  .skip 0x20, 0x90
  .size small, 0x10
  .size large, 0x20
last_label:                  /* 0xc0 … 0xd0: to the end of the section */
  .skip 0x10, 0x90
  .globl text_end
text_end:                    /* marks the end; where the next section begins, when they are linked */
  .set constant, 0x401010    /* an absolute value that happens to be an address of code */
  .globl constant
  .section .text.other, "ax", @progbits
  .globl elsewhere
elsewhere:
  .skip 0x10, 0x90
  .section .note.GNU-stack, "", @progbits
