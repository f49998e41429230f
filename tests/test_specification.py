import asyncio
import pytest
import pytest_asyncio
from unittest.mock import AsyncMock
from fastdag_typed import (DAG, FSM, ConditionalReturn, Context, FSMReturn, Node, Runner, Visualizer, WorkflowSerializer, validate_workflow)
from fastdag_typed.exceptions import WorkflowValidationError, WorkflowExecutionError

class TestNode:
    """Test Node functionality"""
    
    def test_node_creation(self):
        """Test basic node creation"""
        def sample_func(x: int, y: int) -> int:
            return x + y
        
        node = Node(sample_func, name="adder")
        assert node.name == "adder"
        assert node.inputs == ["x", "y"]
        assert node.outputs == ["result"]
    
    def test_node_with_context(self):
        """Test node with context parameter"""
        def func_with_context(x: int, context: Context) -> int:
            context.metadata["processed"] = True
            return x * 2
        
        node = Node(func_with_context)
        assert "context" not in node.inputs
        assert node.inputs == ["x"]
    
    @pytest.mark.asyncio
    async def test_async_node_execution(self):
        """Test async node execution"""
        async def async_func(x: int) -> int:
            await asyncio.sleep(0.1)
            return x * 2
        
        node = Node(async_func)
        context = Context()
        result = await node.execute(context, x=5)
        assert result == 10
    
    def test_node_connection_operators(self):
        """Test node connection operators"""
        node1 = Node(lambda x: x * 2, name="double")
        node2 = Node(lambda x: x + 1, name="increment")
        
        # Test >> operator
        connected = node1 >> node2
        assert connected == node2
        assert node2.input_connections["x"] == node1
        
        # Test | operator
        node3 = Node(lambda x: x * x, name="square")
        connected = node1 | node3
        assert connected == node3

class TestDAGWorkflow:
    """Test DAG workflow functionality"""
    
    def test_simple_dag_creation(self):
        """Test basic DAG creation and execution"""
        dag = DAG("simple_pipeline")
        
        @dag.node()
        def start(x: int) -> int:
            return x * 2
        
        @dag.node()
        def middle(x: int) -> int:
            return x + 10
        
        @dag.node()
        def end(x: int) -> int:
            return x * 3
        
        start >> middle >> end
        
        runner = Runner(dag)
        metrics = runner.run(inputs={"x": 5})
        
        assert dag["end"] == 60  # (5 * 2 + 10) * 3
        assert metrics.nodes_executed == 3
        assert len(metrics.errors) == 0
    
    def test_parallel_branches(self):
        """Test DAG with parallel branches"""
        dag = DAG("parallel_processing")
        
        @dag.node()
        def split(data: list) -> dict:
            return {"upper": data[:len(data)//2], "lower": data[len(data)//2:]}
        
        @dag.node()
        def process_upper(upper: list) -> int:
            return sum(upper)
        
        @dag.node()
        def process_lower(lower: list) -> int:
            return sum(lower)
        
        @dag.node()
        def merge(upper_sum: int, lower_sum: int) -> int:
            return upper_sum + lower_sum
        
        split >> process_upper >> merge
        split >> process_lower >> merge
        
        runner = Runner(dag)
        metrics = runner.run(inputs={"data": [1, 2, 3, 4, 5, 6]}, mode="parallel")
        
        assert dag["merge"] == 21
        assert metrics.nodes_executed == 4
    
    def test_conditional_workflow(self):
        """Test conditional branching in DAG"""
        dag = DAG("conditional_flow")
        
        @dag.condition(name="check_value")
        def check(value: int) -> ConditionalReturn:
            return ConditionalReturn(
                condition=value > 100,
                true_branch="large_handler",
                false_branch="small_handler"
            )
        
        @dag.node(name="large_handler")
        def handle_large(value: int) -> str:
            return f"Large value: {value}"
        
        @dag.node(name="small_handler")
        def handle_small(value: int) -> str:
            return f"Small value: {value}"
        
        check >> handle_large
        check >> handle_small
        
        # Test with large value
        runner = Runner(dag)
        runner.run(inputs={"value": 150})
        assert dag["large_handler"] == "Large value: 150"
        assert dag.get_result("small_handler") is None
        
        # Test with small value
        dag.context = Context()  # Reset context
        runner.run(inputs={"value": 50})
        assert dag["small_handler"] == "Small value: 50"
    
    def test_dag_validation(self):
        """Test DAG validation"""
        dag = DAG("invalid_dag")
        
        @dag.node()
        def node1(x: int) -> int:
            return x
        
        @dag.node()
        def node2(y: int) -> int:
            return y
        
        # Create cycle
        node1 >> node2 >> node1
        
        with pytest.raises(WorkflowValidationError):
            validate_workflow(dag)
    
    @pytest.mark.asyncio
    async def test_async_dag_execution(self):
        """Test DAG with async nodes"""
        dag = DAG("async_pipeline")
        
        @dag.node()
        async def fetch_data(url: str) -> dict:
            await asyncio.sleep(0.1)
            return {"data": "fetched"}
        
        @dag.node()
        async def process_data(data: dict) -> dict:
            await asyncio.sleep(0.1)
            return {"processed": True, **data}
        
        fetch_data >> process_data
        
        runner = Runner(dag)
        metrics = await runner.run_async(inputs={"url": "http://example.com"})
        
        assert dag["process_data"] == {"processed": True, "data": "fetched"}
        assert metrics.total_time >= 0.2  # Sequential execution

class TestFSMWorkflow:
    """Test FSM workflow functionality"""
    
    def test_simple_fsm(self):
        """Test basic FSM with state transitions"""
        fsm = FSM("traffic_light")
        
        @fsm.state(is_initial=True)
        def red(context: Context) -> FSMReturn:
            context.metadata["light"] = "red"
            return FSMReturn(next_state="green", value="red")
        
        @fsm.state()
        def green(context: Context) -> FSMReturn:
            context.metadata["light"] = "green"
            return FSMReturn(next_state="yellow", value="green")
        
        @fsm.state()
        def yellow(context: Context) -> FSMReturn:
            context.metadata["light"] = "yellow"
            context.metadata["cycle_count"] = context.metadata.get("cycle_count", 0) + 1
            
            if context.metadata["cycle_count"] >= 3:
                return FSMReturn(stop_condition=True, value="yellow")
            
            return FSMReturn(next_state="red", value="yellow")
        
        runner = Runner(fsm)
        metrics = runner.run()
        
        assert fsm.state_history == ["green", "yellow", "red", "green", "yellow", "red", "green", "yellow", "END"]
        assert fsm.cycle_count == 9
        assert fsm["yellow"] == "yellow"  # Latest result
        assert fsm["yellow.8"] == "yellow"  # Specific cycle
    
    def test_fsm_with_conditions(self):
        """Test FSM with conditional state transitions"""
        fsm = FSM("vending_machine")
        
        @fsm.state(is_initial=True)
        def idle(coins: int, context: Context) -> FSMReturn:
            context.metadata["total_coins"] = context.metadata.get("total_coins", 0) + coins
            
            if context.metadata["total_coins"] >= 100:
                return FSMReturn(next_state="dispense", value="ready")
            return FSMReturn(next_state="waiting", value="need_more_coins")
        
        @fsm.state()
        def waiting(coins: int, context: Context) -> FSMReturn:
            context.metadata["total_coins"] += coins
            
            if context.metadata["total_coins"] >= 100:
                return FSMReturn(next_state="dispense", value="ready")
            return FSMReturn(next_state="waiting", value="need_more_coins")
        
        @fsm.state(is_final=True)
        def dispense(context: Context) -> FSMReturn:
            context.metadata["dispensed"] = True
            return FSMReturn(stop_condition=True, value="product_dispensed")
        
        runner = Runner(fsm)
        runner.run(inputs={"coins": 25})
        
        assert fsm["waiting.3"] == "need_more_coins"
        assert fsm["dispense"] == "product_dispensed"
        assert fsm.context.metadata["total_coins"] >= 100

class TestComplexWorkflows:
    """Test complex workflow scenarios"""
    
    def test_nested_workflows(self):
        """Test DAG containing another DAG as a node"""
        # Inner DAG
        inner_dag = DAG("data_processing")
        
        @inner_dag.node()
        def clean_data(data: list) -> list:
            return [x for x in data if x > 0]
        
        @inner_dag.node()
        def normalize_data(data: list) -> list:
            max_val = max(data) if data else 1
            return [x / max_val for x in data]
        
        clean_data >> normalize_data
        
        # Outer DAG
        outer_dag = DAG("full_pipeline")
        
        @outer_dag.node()
        def load_data(filename: str) -> list:
            return [1, -2, 3, -4, 5, 6]  # Mock data
        
        # Create a node from the inner DAG
        process_node = Node(
            func=lambda data: Runner(inner_dag).run(inputs={"data": data}).workflow["normalize_data"],
            name="process_data"
        )
        outer_dag.add_node(process_node)
        
        @outer_dag.node()
        def save_results(data: list) -> bool:
            return len(data) > 0
        
        load_data >> process_node >> save_results
        
        runner = Runner(outer_dag)
        metrics = runner.run(inputs={"filename": "data.csv"})
        
        assert outer_dag["save_results"] is True
    
    def test_error_handling_and_recovery(self):
        """Test error handling in workflows"""
        dag = DAG("error_handling")
        
        @dag.node()
        def risky_operation(x: int) -> int:
            if x < 0:
                raise ValueError("Negative input not allowed")
            return x * 2
        
        @dag.node()
        def safe_operation(x: int, context: Context) -> int:
            try:
                # Access previous result
                risky_result = context.get_result("risky_operation")
                return risky_result + 10
            except:
                return x + 10  # Fallback
        
        risky_operation >> safe_operation
        
        runner = Runner(dag)
        
        # Test with error
        with pytest.raises(WorkflowExecutionError):
            runner.run(inputs={"x": -5})
        
        assert len(runner.metrics.errors) > 0
        assert "risky_operation" in runner.metrics.errors[0]
    
    def test_long_running_workflow_with_checkpoints(self):
        """Test workflow with checkpoints for pause/resume"""
        dag = DAG("long_running")
        
        checkpoint_data = {}
        
        @dag.node()
        def step1(data: list) -> list:
            checkpoint_data["step1"] = True
            return [x * 2 for x in data]
        
        @dag.node()
        def checkpoint(data: list, context: Context) -> list:
            # Save state
            checkpoint_data["context"] = context.results.copy()
            checkpoint_data["checkpoint"] = True
            return data
        
        @dag.node()
        def step2(data: list) -> list:
            if not checkpoint_data.get("checkpoint"):
                raise RuntimeError("Must pass through checkpoint")
            return [x + 1 for x in data]
        
        step1 >> checkpoint >> step2
        
        runner = Runner(dag)
        runner.run(inputs={"data": [1, 2, 3]})
        
        assert checkpoint_data["checkpoint"] is True
        assert dag["step2"] == [3, 5, 7]

class TestVisualization:
    """Test workflow visualization"""
    
    def test_mermaid_generation(self):
        """Test Mermaid diagram generation"""
        dag = DAG("viz_test")
        
        @dag.node()
        def input_node(x: int) -> int:
            return x
        
        @dag.node()
        def process_node(x: int) -> int:
            return x * 2
        
        @dag.node()
        def output_node(x: int) -> int:
            return x
        
        input_node >> process_node >> output_node
        
        viz = Visualizer(dag)
        mermaid = viz.to_mermaid()
        
        assert "graph TD" in mermaid
        assert "input_node" in mermaid
        assert "process_node" in mermaid
        assert "output_node" in mermaid
        assert "input_node --> process_node" in mermaid
        assert "process_node --> output_node" in mermaid
    
    def test_visualization_with_results(self):
        """Test visualization including execution results"""
        dag = DAG("viz_results")
        
        @dag.node()
        def compute(x: int) -> int:
            return x * 10
        
        runner = Runner(dag)
        runner.run(inputs={"x": 5})
        
        viz = Visualizer(dag)
        mermaid = viz.to_mermaid(include_results=True)
        
        assert "[50]" in mermaid  # Result should be included

class TestSerialization:
    """Test workflow serialization"""
    
    def test_yaml_serialization(self):
        """Test YAML serialization and deserialization"""
        dag = DAG("serialization_test")
        
        @dag.node()
        def func1(x: int) -> int:
            return x * 2
        
        @dag.node()
        def func2(x: int) -> int:
            return x + 1
        
        func1 >> func2
        
        # Serialize
        serializer = WorkflowSerializer()
        yaml_str = serializer.to_yaml(dag)
        
        assert "name: serialization_test" in yaml_str
        assert "type: DAG" in yaml_str
        assert "func1" in yaml_str
        assert "func2" in yaml_str
        
        # Deserialize
        function_registry = {
            "func1": func1.func,
            "func2": func2.func
        }
        
        restored_dag = serializer.from_yaml(yaml_str, function_registry)
        assert restored_dag.name == "serialization_test"
        assert len(restored_dag.nodes) == 2
