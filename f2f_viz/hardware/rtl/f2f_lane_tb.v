// Feeds a layer's symbols and corrections to f2f_lane and compares every bit of every block.
//   vvp -n sim               a symbol and a correction are always there, blocks are always taken
//   vvp -n sim +stall=SEED   valid and ready come and go at random
//   vvp -n sim +vcd=FILE     writes the waveform
`timescale 1ns/1ns
module f2f_lane_tb;
  localparam N_IN   = 8;
  localparam N_S    = 1;
  localparam N_OUT  = 80;
  localparam FLIPS  = 1;
  localparam SKIP   = 8;
  localparam INDEX  = 7;
  localparam BLOCKS = 1;
  localparam ITEMS  = 0;
  localparam ITEM   = 1 + SKIP + FLIPS + FLIPS*INDEX;

  reg [N_IN+1:0]  symbols     [0:BLOCKS-1];  // {invert, first, x}
  reg [ITEM-1:0]  corrections [0:ITEMS];     // {last, skip, on, bit}; one more than there are
  reg [N_OUT-1:0] blocks      [0:BLOCKS-1];  // wanted

  reg clk = 1'b0, rst = 1'b1;
  always #5 clk = !clk;

  integer symbol = 0, item = 0, block = 0, cycles = 0, wrong = 0, broken = 0, rest = 0, seed;
  reg stall = 1'b0, in_go = 1'b1, c_go = 1'b1, out_ready = 1'b1;
  reg waited = 1'b0;                         // a block was offered and not taken
  reg [N_OUT-1:0] held;
  reg [8*256-1:0] file;

  // what is not valid is unknown, so that nothing can depend on it
  wire in_valid = in_go && symbol < BLOCKS;
  wire c_done   = item == ITEMS;
  wire c_valid  = c_go && !c_done;
  wire [N_IN+1:0] s = in_valid ? symbols[symbol] : {N_IN+2{1'bx}};
  wire [ITEM-1:0] c = c_valid ? corrections[item] : {ITEM{1'bx}};
  wire in_ready, c_ready, out_valid;
  wire [N_OUT-1:0] y;

  f2f_lane #(.N_IN(N_IN), .N_S(N_S), .N_OUT(N_OUT), .FLIPS(FLIPS), .SKIP(SKIP), .INDEX(INDEX)) lane (
    .clk(clk), .rst(rst),
    .in_valid(in_valid), .in_ready(in_ready), .in_first(s[N_IN]), .in_invert(s[N_IN+1]),
    .x(s[N_IN-1:0]),
    .c_valid(c_valid), .c_ready(c_ready), .c_done(c_done), .c_last(c[ITEM-1]),
    .c_skip(c[ITEM-2 -: SKIP]), .c_on(c[FLIPS*INDEX +: FLIPS]), .c_bit(c[0 +: FLIPS*INDEX]),
    .out_valid(out_valid), .out_ready(out_ready), .y(y)
  );

  initial begin
    $readmemh("symbols.hex", symbols);
    $readmemh("corrections.hex", corrections);
    $readmemh("blocks.hex", blocks);
    if ($value$plusargs("stall=%d", seed)) stall = 1'b1;
    if ($value$plusargs("vcd=%s", file)) begin
      $dumpfile(file);
      $dumpvars(0, lane);
    end
    repeat (2) @(negedge clk);
    rst = 1'b0;
  end

  always @(posedge clk) if (!rst) begin
    if (block < BLOCKS) cycles <= cycles + 1;
    if (in_valid && in_ready) symbol <= symbol + 1;
    if (c_valid && c_ready) item <= item + 1;
    if (stall) begin                         // what is offered stays until it is taken
      if (!in_valid || in_ready) in_go <= $random(seed);
      if (!c_valid || c_ready) c_go <= $random(seed);
      out_ready <= $random(seed);
    end
    if ((in_ready ^ c_ready ^ out_valid) === 1'bx) broken = broken + 1;
    if (waited && !(out_valid && y === held)) broken = broken + 1;
    waited <= out_valid && !out_ready;
    held <= y;
    if (out_valid && out_ready) begin
      if (block >= BLOCKS) broken = broken + 1;
      else if (y !== blocks[block]) begin
        wrong = wrong + 1;
        if (wrong <= 5) $display("block %0d: wanted %h, got %h", block, blocks[block], y);
      end
      block = block + 1;
    end
    if (block >= BLOCKS) rest = rest + 1;    // nothing may come after the last block
    if (rest == 4 || cycles / 32 > BLOCKS + ITEMS + 3) begin
      $display("%0s blocks=%0d of %0d wrong=%0d handshake=%0d corrections=%0d of %0d cycles=%0d",
        block == BLOCKS && item == ITEMS && !wrong && !broken ? "PASS" : "FAIL",
        block, BLOCKS, wrong, broken, item, ITEMS, cycles);
      $finish;
    end
  end
endmodule
