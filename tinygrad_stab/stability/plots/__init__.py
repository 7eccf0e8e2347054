"""Pictures of what the rest of this package measures: one function a picture.

Each takes `ax=None`, draws there or on a new figure, returns the axes, and shows nothing: that is up to you,
as is `ax.figure.savefig`. `set_style("dark")` switches all that follow; `with style("slides"):` those inside.
Matplotlib is imported when the first picture is drawn.

Norms stand on logarithmic axes. Measured is solid, with a marker for each line as well as a colour that
colour-blind readers can tell apart; predicted is dashed. What is not finite, or exactly 0 on a logarithmic
axis, is marked at the edge and never left out.
"""

from .graph import plot_graph
from .histograms import plot_activation_histograms, plot_gradient_histograms
from .layers import plot_dead_units, plot_gradient_flow, plot_saturation
from .maps import plot_fix_matrix, plot_phase_map
from .style import STYLES, set_style, style
from .time import plot_time_map
from .training import plot_clip_history, plot_update_to_data
