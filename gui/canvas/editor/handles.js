// Where connections begin and end. Vue Flow has a component for each; what it listens for needs none, and one listener serves all of them.
import { useHandle } from "hive-flow";
import { h, inject, provide } from "vue";

const HANDLES = Symbol("handles");

// For the canvas. The one that is pressed says whose it is.
export function provideHandles() {
  let pressed = {};
  const { handlePointerDown, handleClick } = useHandle({
    nodeId: () => pressed.nodeid,
    handleId: () => pressed.handleid,
    type: () => pressed.type,
    isValidConnection: null,
  });
  const given = (act) => (event) => {
    pressed = event.currentTarget.dataset;
    if (event.currentTarget.classList.contains("connectable")) act(event);
  };
  provide(HANDLES, { press: given((event) => event.button > 0 || handlePointerDown(event)), click: given(handleClick) });
}

// For a node: draws one of its handles.
export function useHandles(nodeid) {
  const { press, click } = inject(HANDLES);
  return ({ id, type, position, connectable, style, kind }) =>
    h("div", {
      key: `${type} ${id}`,
      class: ["vue-flow__handle", `vue-flow__handle-${position}`, type, kind, "nodrag nopan connectablestart connectableend", connectable ? "connectable connectionindicator" : ""],
      style,
      "data-id": `hive-${nodeid}-${id}-${type}`,
      "data-nodeid": nodeid,
      "data-handleid": id,
      "data-handlepos": position,
      "data-type": type,
      onMousedown: press,
      onTouchstartPassive: press,
      onClick: click,
    });
}
