// One lane of an F2F decoder: a symbol in, a block out, its corrections flipped as it is loaded.
// Verilog-2005. README.md tells the ports.
module f2f_lane #(
  parameter N_IN  = 8,   // bits of a symbol
  parameter N_S   = 1,   // older symbols that the XOR network sees
  parameter N_OUT = 80,  // bits of a block
  parameter FLIPS = 1,   // bits that one correction flips, at most
  parameter SKIP  = 8,   // bits of a gap between corrected blocks
  parameter INDEX = 7    // bits of the number of a block's bit
) (
  input  wire                   clk,
  input  wire                   rst,        // synchronous

  input  wire                   in_valid,
  output wire                   in_ready,
  input  wire                   in_first,   // a tile starts: older symbols count as 0
  input  wire                   in_invert,  // the plane is stored inverted
  input  wire [N_IN-1:0]        x,          // x_t

  input  wire                   c_valid,
  output wire                   c_ready,
  input  wire                   c_done,     // no correction is left
  input  wire                   c_last,     // the last correction of its block
  input  wire [SKIP-1:0]        c_skip,     // blocks to pass before the corrected one
  input  wire [FLIPS-1:0]       c_on,       // which fields of c_bit count
  input  wire [FLIPS*INDEX-1:0] c_bit,      // bits to flip

  output reg                    out_valid,
  input  wire                   out_ready,
  output reg  [N_OUT-1:0]       y           // y_t
);
  wire load = in_valid && in_ready;         // a symbol enters

  // {x_{t-N_S}, ..., x_{t-1}, x_t}: bit j of z meets column j of M
  wire [N_IN*(N_S+1)-1:0] z;
  generate
    if (N_S == 0) begin : combinational
      assign z = x;
      wire unused = in_first;
    end else begin : sequential
      reg  [N_IN*N_S-1:0] older;
      wire [N_IN*N_S-1:0] history = in_first ? {N_IN*N_S{1'b0}} : older;
      assign z = {history, x};
      always @(posedge clk) if (load) older <= z[N_IN*N_S-1:0];
    end
  endgenerate

  wire [N_OUT-1:0] d;
  f2f_xor network (.z(z), .y(d));

  reg [SKIP-1:0] passed;                    // blocks since the last corrected one
  reg            busy;                      // the block in y waits for further corrections
  wire here = c_valid && (busy || passed == c_skip);
  reg [N_OUT-1:0] flip;
  integer k;
  always @* begin
    flip = {N_OUT{1'b0}};
    for (k = 0; k < FLIPS; k = k + 1)
      if (here && c_on[k]) flip[c_bit[k*INDEX +: INDEX]] = 1'b1;
  end

  // a block is loaded once it is known whether a correction belongs to it
  assign in_ready = !busy && (!out_valid || out_ready) && (c_valid || c_done);
  assign c_ready  = here && (load || busy);
  wire finished   = here ? c_last : !busy;

  always @(posedge clk) begin
    if (rst) begin
      out_valid <= 1'b0;
      busy      <= 1'b0;
      passed    <= {SKIP{1'b0}};
    end else begin
      if (load || busy) begin
        out_valid <= finished;
        busy      <= !finished;
      end else if (out_ready) out_valid <= 1'b0;
      if (c_ready) passed <= {SKIP{1'b0}};
      else if (load && c_valid) passed <= passed + 1'b1;
    end
    if (load || busy) y <= (busy ? y : d ^ {N_OUT{in_invert}}) ^ flip;
  end
endmodule
